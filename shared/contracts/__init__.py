"""The messages that cross the wire. Importing the package registers every kind."""

from shared.contracts import alerts, control, costs, execution, marketdata, strategy
from shared.contracts.base import Message, UndecodableMessageError, Value, decode, faults_in

__all__ = [
    "Message",
    "UndecodableMessageError",
    "Value",
    "alerts",
    "control",
    "costs",
    "decode",
    "execution",
    "faults_in",
    "marketdata",
    "strategy",
]
