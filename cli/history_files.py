"""The account's history as CSV or Parquet: exact numbers, instants with their zone, nothing for what is not known."""

from __future__ import annotations

import csv
import datetime as dt
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
from pyarrow.parquet import write_table

_TEXT, _MOMENT = pa.string(), pa.timestamp("us", "UTC")
_NUMBER = pa.decimal128(38, 18)
_COLUMNS: Final[Mapping[str, Mapping[str, pa.DataType]]] = {
    "fills": {
        "at": _MOMENT,
        "strategy": _TEXT,
        "side": _TEXT,
        "symbol": _TEXT,
        "qty": _NUMBER,
        "price": _NUMBER,
        "notional": _NUMBER,
        "kind": _TEXT,
        "entry_id": _TEXT,
        "order_id": _TEXT,
        "client_order_id": _TEXT,
        "plan_id": _TEXT,
    },
    "lots": {
        "strategy": _TEXT,
        "symbol": _TEXT,
        "opened": _MOMENT,
        "closed": _MOMENT,
        "qty": _NUMBER,
        "proceeds": _NUMBER,
        "cost_basis": _NUMBER,
        "gain": _NUMBER,
        "term": _TEXT,
        "opened_by": _TEXT,
        "closed_by": _TEXT,
    },
}


def write(out: Path, rows: Sequence[Mapping[str, Any]], kind: str) -> None:
    """By the ending of `out`; `kind` is fills or lots. Raises OSError."""
    columns = _COLUMNS[kind]
    values = {name: [_value(row[name], column) for row in rows] for name, column in columns.items()}
    if out.suffix == ".parquet":
        arrays = {name: pa.array(values[name], column) for name, column in columns.items()}
        write_table(pa.table(arrays), out)
        return
    with out.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows([_text(values[name][line]) for name in columns] for line in range(len(rows)))


def _value(told: Any, column: pa.DataType) -> Any:
    if told is None or column == _TEXT:
        return told
    return dt.datetime.fromisoformat(told) if column == _MOMENT else Decimal(told)


def _text(value: Any) -> str:
    """As spreadsheets read them: all digits and no exponent, ISO instants, nothing for what is not known."""
    if value is None:
        return ""
    if isinstance(value, Decimal):
        return f"{value.normalize():f}"
    return value.isoformat() if isinstance(value, dt.datetime) else str(value)
