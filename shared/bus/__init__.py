"""Streams, state and dead letters; see ports.py for the promises."""

from shared.bus.ports import (
    NOTHING,
    Bus,
    BusUnavailableError,
    Change,
    DeadLetter,
    Delivery,
    Outcome,
    Publication,
    Put,
    Remove,
    Stands,
)

__all__ = [
    "NOTHING",
    "Bus",
    "BusUnavailableError",
    "Change",
    "DeadLetter",
    "Delivery",
    "Outcome",
    "Publication",
    "Put",
    "Remove",
    "Stands",
]
