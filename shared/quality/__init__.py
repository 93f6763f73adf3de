"""Whether daily prices may be decided by: gates over one series, a second opinion, and what is unknown in the end.

    rows ──► gates.examine ──► doubts ──► settling.settled ◄── the second source
                                              │
                                              ▼
                              history with findings ──► unknown_closes ──► undefined where it is needed

Pure: no clock, no network. Needs numpy, which only the rooms that import it have (marketdata, strategy, backtest, cli).
"""

from shared.quality.doubts import Doubt, Gate, Surroundings, Thresholds
from shared.quality.gates import GATES, examine, market_volume
from shared.quality.presence_gates import UNFINISHED
from shared.quality.price_gates import UNAPPLIED_SPLIT
from shared.quality.series import Series
from shared.quality.settling import settled
from shared.quality.unknown import unknown_closes

__all__ = [
    "GATES",
    "UNAPPLIED_SPLIT",
    "UNFINISHED",
    "Doubt",
    "Gate",
    "Series",
    "Surroundings",
    "Thresholds",
    "examine",
    "market_volume",
    "settled",
    "unknown_closes",
]
