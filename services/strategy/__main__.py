"""python -m services.strategy"""

from __future__ import annotations

import sys

from services.strategy.bootstrap import Configuration, build
from services.strategy.settings import SERVICE, StrategySettings
from shared import logs, process
from shared.settings import ClockSettings, HttpSettings, LogSettings, RedisSettings, or_exit, read_or_exit


def main() -> int:
    logs.configure(SERVICE, read_or_exit(LogSettings))
    configuration = Configuration(
        redis=read_or_exit(RedisSettings),
        http=read_or_exit(HttpSettings),
        clock=read_or_exit(ClockSettings),
        strategy=read_or_exit(StrategySettings),
    )
    with or_exit():
        parts = build(configuration).parts
    return process.run(SERVICE, parts)


if __name__ == "__main__":
    sys.exit(main())
