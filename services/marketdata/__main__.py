"""python -m services.marketdata"""

from __future__ import annotations

import sys
import threading

from services.marketdata.bootstrap import Configuration, build
from services.marketdata.settings import SERVICE, MarketdataSettings
from shared import logs, process
from shared.settings import HttpSettings, LogSettings, RedisSettings, VenueSettings, or_exit, read_or_exit


def main() -> int:
    logs.configure(SERVICE, read_or_exit(LogSettings))
    configuration = Configuration(
        redis=read_or_exit(RedisSettings),
        http=read_or_exit(HttpSettings),
        venue=read_or_exit(VenueSettings),
        marketdata=read_or_exit(MarketdataSettings),
    )
    stop = threading.Event()
    with or_exit():
        parts = build(configuration, stop).parts
    return process.run(SERVICE, parts, stop=stop)


if __name__ == "__main__":
    sys.exit(main())
