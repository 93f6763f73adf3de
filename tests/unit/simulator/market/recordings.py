"""Writes small data directories in the recorded layout."""

from __future__ import annotations

import gzip
import zipfile
from pathlib import Path

DAILY = "Date,Open,High,Low,Close,Adj Close,Volume"
MINUTES = "Datetime,Open,High,Low,Close,Volume,Dividends,Stock Splits"


class DataDirectory:
    """A directory to fill file by file."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def daily(self, symbol: str, *rows: str, header: str = DAILY) -> DataDirectory:
        """Rows of `date,open,high,low,close,volume`."""
        lines = [_daily_row(row) if row.count(",") == 5 else row for row in rows]
        return self.write(f"daily_ohlcv/{symbol}.csv", "\n".join([header, *lines]) + "\n")

    def adjusted(self, *lines: str, name: str = "core") -> DataDirectory:
        return self.write_bytes(f"daily_close/{name}.csv.gz", gzip.compress("\n".join(lines).encode()))

    def minutes(self, symbol: str, *rows: str) -> DataDirectory:
        return self.write(f"intraday_1min/{symbol}.csv", "\n".join([MINUTES, *rows]) + "\n")

    def ticks(self, symbol: str, day: str, quotes: str, trades: str, resolution: str = "second") -> DataDirectory:
        self.zipped(f"lean/{resolution}/{symbol}/{day}_quote.zip", quotes)
        return self.zipped(f"lean/{resolution}/{symbol}/{day}_trade.zip", trades)

    def write(self, name: str, text: str) -> DataDirectory:
        return self.write_bytes(name, text.encode())

    def zipped(self, name: str, *contents: str) -> DataDirectory:
        file = self._file(name)
        with zipfile.ZipFile(file, "w") as archive:
            for number, content in enumerate(contents):
                archive.writestr(f"{number}.csv", content)
        return self

    def write_bytes(self, name: str, content: bytes) -> DataDirectory:
        self._file(name).write_bytes(content)
        return self

    def _file(self, name: str) -> Path:
        file = self.root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        return file


def _daily_row(row: str) -> str:
    date, opens, high, low, close, volume = row.split(",")
    return f"{date} 04:00:00+00:00,{opens},{high},{low},{close},{close},{volume}"
