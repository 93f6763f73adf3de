"""`python -m services.simulator`"""

from __future__ import annotations

import signal
import sys

from services.simulator.bootstrap import serve
from services.simulator.settings import SimulatorSettings
from shared import logs
from shared.settings import LogSettings, or_exit, read_or_exit


def main() -> int:
    logs.configure("simulator", read_or_exit(LogSettings))
    settings = read_or_exit(SimulatorSettings)
    # uvicorn stops in order on SIGTERM and then raises it again: being told to stop is no failure.
    signal.signal(signal.SIGTERM, _end)
    with or_exit():
        return serve(settings)


def _end(_number: int, _frame: object) -> None:
    raise SystemExit(0)


if __name__ == "__main__":
    sys.exit(main())
