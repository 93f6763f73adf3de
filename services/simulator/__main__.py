"""`python -m services.simulator`"""

from __future__ import annotations

import sys

from services.simulator.bootstrap import serve
from services.simulator.settings import SimulatorSettings
from shared import logs
from shared.settings import LogSettings, or_exit, read_or_exit


def main() -> int:
    logs.configure("simulator", read_or_exit(LogSettings))
    settings = read_or_exit(SimulatorSettings)
    with or_exit():
        return serve(settings)


if __name__ == "__main__":
    sys.exit(main())
