"""Which symbols the generated market lists, and what moves each of them. Every name is one row of a table.

A `Driven` asset moves with the market, its sector and itself; a `Multiple` is a fund that owes a daily multiple of another
asset's return; a `Reverting` one lives around a level, as volatility does; an `Accruing` one only earns interest.
Prices are dollars at the close before the anchor session, volatilities daily, fees and yields per year.
"""

from __future__ import annotations

from dataclasses import dataclass

from services.simulator.domain.market import Listing


@dataclass(frozen=True, slots=True)
class Driven:
    """Log return = beta x market + loading x sector + own noise, plus `drift` a year."""

    price: float
    beta: float
    sector: str = ""
    loading: float = 0.0
    noise: float = 0.004
    drift: float = 0.0
    volume: int = 2_000_000


@dataclass(frozen=True, slots=True)
class Multiple:
    """`times` the daily return of `of`, minus `fee` a year."""

    price: float
    of: str
    times: float
    fee: float = 0.0095
    volume: int = 5_000_000


@dataclass(frozen=True, slots=True)
class Reverting:
    """Log level pulled back to its mean; `beta` to the market, as volatility falls when stocks rise."""

    price: float
    beta: float
    pull: float
    noise: float
    volume: int = 1_000_000


@dataclass(frozen=True, slots=True)
class Accruing:
    """Interest of `rate` a year and next to no noise."""

    price: float
    rate: float
    noise: float = 0.00002
    volume: int = 8_000_000


Asset = Driven | Multiple | Reverting | Accruing

SECTOR_VOLATILITY: dict[str, float] = {
    "tech": 0.006,
    "semis": 0.010,
    "financials": 0.006,
    "energy": 0.011,
    "biotech": 0.011,
    "consumer": 0.006,
    "staples": 0.005,
    "communication": 0.006,
    "nuclear": 0.013,
    "small": 0.006,
    "rates": 0.008,
    "gold": 0.009,
    "commodity": 0.008,
    "dollar": 0.004,
    "trend": 0.006,
}

# Not listed: what funds on volatility and on ten big growth stocks follow.
HIDDEN: dict[str, Asset] = {
    "^VOLATILITY": Reverting(45.0, beta=-3.2, pull=0.015, noise=0.022),
    "^FANG": Driven(100.0, beta=1.3, sector="tech", loading=1.2, noise=0.006),
}

ASSETS: dict[str, Asset] = {
    "SPY": Driven(600.0, beta=1.0, noise=0.0002, drift=0.02, volume=70_000_000),
    "QQQ": Driven(520.0, beta=1.1, sector="tech", loading=0.6, noise=0.001, drift=0.04, volume=45_000_000),
    "XLK": Driven(240.0, beta=1.15, sector="tech", loading=0.9, noise=0.002, drift=0.04, volume=7_000_000),
    "IOO": Driven(110.0, beta=1.0, sector="tech", loading=0.25, noise=0.001, drift=0.02, volume=250_000),
    "VTV": Driven(180.0, beta=0.8, sector="tech", loading=-0.2, noise=0.002, volume=2_500_000),
    "VOO": Driven(550.0, beta=1.0, noise=0.0003, drift=0.02, volume=6_000_000),
    "VOOG": Driven(385.0, beta=1.1, sector="tech", loading=0.4, noise=0.001, drift=0.03, volume=300_000),
    "VOOV": Driven(195.0, beta=0.85, sector="tech", loading=-0.3, noise=0.001, volume=150_000),
    "VOX": Driven(165.0, beta=1.0, sector="communication", loading=0.9, noise=0.002, volume=180_000),
    "QQQE": Driven(95.0, beta=1.0, sector="tech", loading=0.35, noise=0.002, volume=200_000),
    "IWM": Driven(215.0, beta=1.15, sector="small", loading=1.0, noise=0.002, volume=30_000_000),
    "XLF": Driven(51.0, beta=0.95, sector="financials", loading=0.9, noise=0.002, volume=40_000_000),
    "XLP": Driven(82.0, beta=0.5, sector="staples", loading=0.8, noise=0.002, volume=12_000_000),
    "XLY": Driven(218.0, beta=1.15, sector="consumer", loading=0.8, noise=0.002, volume=4_000_000),
    "XLE": Driven(88.0, beta=0.8, sector="energy", loading=0.9, noise=0.003, volume=15_000_000),
    "XRT": Driven(76.0, beta=1.2, sector="consumer", loading=1.2, noise=0.005, volume=4_000_000),
    "XBI": Driven(88.0, beta=1.1, sector="biotech", loading=1.0, noise=0.004, volume=8_000_000),
    "SMH": Driven(260.0, beta=1.4, sector="semis", loading=1.0, noise=0.003, drift=0.06, volume=7_000_000),
    "SOXX": Driven(225.0, beta=1.4, sector="semis", loading=1.0, noise=0.003, drift=0.05, volume=4_000_000),
    "SPLV": Driven(72.0, beta=0.6, sector="staples", loading=0.5, noise=0.002, volume=1_800_000),
    "FTLS": Driven(67.0, beta=0.55, noise=0.003, volume=120_000),
    "BTAL": Driven(18.5, beta=-0.6, sector="staples", loading=0.5, noise=0.006, volume=350_000),
    "KMLM": Driven(27.5, beta=-0.1, sector="trend", loading=1.0, noise=0.003, volume=300_000),
    "TLT": Driven(88.0, beta=-0.1, sector="rates", loading=1.1, noise=0.001, drift=-0.01, volume=35_000_000),
    "IEF": Driven(95.0, beta=-0.05, sector="rates", loading=0.5, noise=0.0006, volume=7_000_000),
    "AGG": Driven(98.5, beta=0.0, sector="rates", loading=0.36, noise=0.0006, volume=7_500_000),
    "BND": Driven(73.2, beta=0.0, sector="rates", loading=0.36, noise=0.0006, volume=6_000_000),
    "BSV": Driven(78.0, beta=0.0, sector="rates", loading=0.13, noise=0.0004, drift=0.01, volume=2_500_000),
    "BIL": Accruing(91.5, rate=0.03),
    "UUP": Driven(28.0, beta=-0.1, sector="dollar", loading=1.0, noise=0.0008, volume=1_500_000),
    "GLD": Driven(300.0, beta=0.05, sector="gold", loading=1.0, noise=0.001, drift=0.05, volume=10_000_000),
    "SLV": Driven(30.0, beta=0.2, sector="gold", loading=1.5, noise=0.006, volume=18_000_000),
    "PDBC": Driven(13.2, beta=0.2, sector="commodity", loading=1.0, noise=0.003, volume=4_000_000),
    "SMR": Driven(26.0, beta=1.6, sector="nuclear", loading=1.6, noise=0.035, drift=0.05, volume=9_000_000),
    "BWXT": Driven(118.0, beta=0.9, sector="nuclear", loading=0.6, noise=0.010, drift=0.06, volume=900_000),
    "LEU": Driven(95.0, beta=1.2, sector="nuclear", loading=1.4, noise=0.028, drift=0.05, volume=600_000),
    "EXC": Driven(43.0, beta=0.5, sector="nuclear", loading=0.2, noise=0.009, volume=7_000_000),
    "NLR": Driven(86.0, beta=0.8, sector="nuclear", loading=0.9, noise=0.006, drift=0.03, volume=150_000),
    "OKLO": Driven(28.0, beta=1.6, sector="nuclear", loading=1.8, noise=0.040, drift=0.05, volume=11_000_000),
    "AAPL": Driven(215.0, beta=1.15, sector="tech", loading=0.6, noise=0.009, drift=0.06, volume=50_000_000),
    "MSFT": Driven(430.0, beta=1.1, sector="tech", loading=0.7, noise=0.008, drift=0.06, volume=21_000_000),
    "NVDA": Driven(132.0, beta=1.6, sector="semis", loading=1.1, noise=0.016, drift=0.15, volume=220_000_000),
    "GOOGL": Driven(172.0, beta=1.1, sector="communication", loading=0.8, noise=0.010, drift=0.05, volume=28_000_000),
    "AMZN": Driven(205.0, beta=1.2, sector="consumer", loading=0.7, noise=0.011, drift=0.05, volume=40_000_000),
    "TSLA": Driven(290.0, beta=1.7, sector="consumer", loading=0.8, noise=0.026, drift=0.08, volume=95_000_000),
    "IBM": Driven(245.0, beta=0.75, sector="tech", loading=0.3, noise=0.009, volume=4_200_000),
    "JPM": Driven(262.0, beta=1.0, sector="financials", loading=1.1, noise=0.007, drift=0.03, volume=9_000_000),
    "XOM": Driven(110.0, beta=0.8, sector="energy", loading=1.0, noise=0.006, volume=15_000_000),
    "KO": Driven(70.0, beta=0.5, sector="staples", loading=0.9, noise=0.006, volume=14_000_000),
    "VIXM": Reverting(16.0, beta=-1.5, pull=0.01, noise=0.009, volume=150_000),
    "VIXY": Multiple(45.0, "^VOLATILITY", 1.0, volume=3_000_000),
    "VXX": Multiple(48.0, "^VOLATILITY", 1.0, volume=7_000_000),
    "UVXY": Multiple(24.0, "^VOLATILITY", 1.5, volume=25_000_000),
    "UVIX": Multiple(32.0, "^VOLATILITY", 2.0, fee=0.0165, volume=12_000_000),
    "SVXY": Multiple(46.0, "^VOLATILITY", -0.5, volume=2_500_000),
    "SVIX": Multiple(22.0, "^VOLATILITY", -1.0, fee=0.0147, volume=4_000_000),
    "FNGO": Multiple(92.0, "^FANG", 2.0, volume=90_000),
    "FNGU": Multiple(24.0, "^FANG", 3.0, volume=2_500_000),
    "TQQQ": Multiple(72.0, "QQQ", 3.0, volume=70_000_000),
    "SQQQ": Multiple(28.0, "QQQ", -3.0, volume=90_000_000),
    "PSQ": Multiple(36.0, "QQQ", -1.0, volume=9_000_000),
    "QID": Multiple(31.0, "QQQ", -2.0, volume=9_000_000),
    "UPRO": Multiple(84.0, "SPY", 3.0, volume=7_000_000),
    "SPXL": Multiple(160.0, "SPY", 3.0, volume=5_500_000),
    "SPXU": Multiple(21.0, "SPY", -3.0, volume=13_000_000),
    "SSO": Multiple(95.0, "SPY", 2.0, volume=3_000_000),
    "TECL": Multiple(86.0, "XLK", 3.0, volume=1_800_000),
    "TECS": Multiple(42.0, "XLK", -3.0, volume=700_000),
    "SOXL": Multiple(27.0, "SOXX", 3.0, volume=95_000_000),
    "USD": Multiple(66.0, "SMH", 2.0, volume=500_000),
    "FAS": Multiple(165.0, "XLF", 3.0, volume=900_000),
    "ERX": Multiple(55.0, "XLE", 2.0, volume=500_000),
    "RETL": Multiple(9.5, "XRT", 3.0, volume=600_000),
    "LABU": Multiple(82.0, "XBI", 3.0, volume=1_500_000),
    "LABD": Multiple(7.5, "XBI", -3.0, volume=30_000_000),
    "TZA": Multiple(14.0, "IWM", -3.0, volume=20_000_000),
    "TMF": Multiple(42.0, "TLT", 3.0, volume=6_000_000),
    "TMV": Multiple(37.0, "TLT", -3.0, volume=800_000),
    "UGL": Multiple(120.0, "GLD", 2.0, volume=150_000),
    "GLL": Multiple(14.0, "GLD", -2.0, volume=250_000),
}

# A few that trade in whole shares only, so that clients meet them.
WHOLE_SHARES_ONLY = frozenset({"BTAL", "FTLS", "FNGO", "RETL", "SVIX", "UVIX", "GLL"})
# A few that nobody lends, so that clients meet the refusal of a short sale.
NOT_SHORTABLE = frozenset({"RETL", "SVIX", "UVIX"})
_LISTED_AT: dict[str, str] = {
    "NASDAQ": "AAPL MSFT NVDA GOOGL AMZN TSLA QQQ TQQQ SQQQ TLT IEF SMH SOXX BND PDBC",
    "NYSE": "IBM JPM XOM KO SMR BWXT OKLO",
    "AMEX": "LEU",
}


def listing_of(symbol: str) -> Listing:
    """The asset page of a symbol; the exchange is ARCA, where most funds live, unless known better."""
    is_lent = symbol not in NOT_SHORTABLE
    return Listing(
        symbol,
        f"{symbol} (simulated)",
        exchange=exchange_of(symbol),
        fractionable=symbol not in WHOLE_SHARES_ONLY,
        shortable=is_lent,
        easy_to_borrow=is_lent,
    )


def exchange_of(symbol: str) -> str:
    """Where the symbol is listed, in the words of the assets endpoint."""
    return next((exchange for exchange, symbols in _LISTED_AT.items() if symbol in symbols.split()), "ARCA")
