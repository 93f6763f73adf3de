"""python -m services.execution"""

from __future__ import annotations

import sys

from services.execution.bootstrap import SERVICE, Configuration, build_service
from services.execution.settings import ExecutionSettings
from shared import logs, process
from shared.settings import HttpSettings, LogSettings, RedisSettings, VenueSettings, or_exit, read_or_exit


def main() -> int:
    logs.configure(SERVICE, read_or_exit(LogSettings))
    configuration = Configuration(
        redis=read_or_exit(RedisSettings),
        venue=read_or_exit(VenueSettings),
        execution=read_or_exit(ExecutionSettings),
        http=read_or_exit(HttpSettings),
    )
    with or_exit():
        parts = build_service(configuration).parts
    return process.run(SERVICE, parts)


if __name__ == "__main__":
    sys.exit(main())
