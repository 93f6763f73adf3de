"""`python -m services.notifier`"""

from __future__ import annotations

import sys

from services.notifier.bootstrap import SERVICE, build
from services.notifier.settings import NotifierSettings, SmtpSettings
from shared import logs, process
from shared.settings import EX_CONFIG, HttpSettings, LogSettings, RedisSettings, read_or_exit


def main() -> int:
    logs.configure(SERVICE, read_or_exit(LogSettings))
    settings = (
        read_or_exit(RedisSettings),
        read_or_exit(HttpSettings),
        read_or_exit(SmtpSettings),
        read_or_exit(NotifierSettings),
    )
    try:
        notifier = build(*settings)
    except ValueError as error:  # a chat URL nobody knows, certificates that cannot be read
        sys.stderr.write(f"wrong setting: {error}\n")
        return EX_CONFIG
    return process.run(SERVICE, notifier.parts())


if __name__ == "__main__":
    sys.exit(main())
