"""`python -m services.notifier`"""

from __future__ import annotations

import sys

from services.notifier.bootstrap import SERVICE, build
from services.notifier.settings import NotifierSettings, SmtpSettings
from shared import logs, process
from shared.settings import HttpSettings, LogSettings, RedisSettings, or_exit, read_or_exit


def main() -> int:
    logs.configure(SERVICE, read_or_exit(LogSettings))
    settings = (
        read_or_exit(RedisSettings),
        read_or_exit(HttpSettings),
        read_or_exit(SmtpSettings),
        read_or_exit(NotifierSettings),
    )
    with or_exit():
        parts = build(*settings).parts()
    return process.run(SERVICE, parts)


if __name__ == "__main__":
    sys.exit(main())
