"""The portfolio to test, from what a person writes: nuclear=0.3,tecl=0.5 and symphony files with their shares."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal, InvalidOperation
from pathlib import Path

from services.strategy.adapters.loading import load_strategy, load_symphony
from services.strategy.domain.engine import StrategyEngine
from services.strategy.domain.portfolio import Allotment, PortfolioError, StrategyManager

Entry = tuple[StrategyEngine, Decimal | None]


def allotments_of(strategies: str | None, symphonies: Sequence[str] = ()) -> tuple[Allotment, ...]:
    """What names no share gets an equal part of what the others leave. Raises PortfolioError."""
    entries = [_named(part.strip()) for part in (strategies or "").split(",") if part.strip()]
    entries += _symphonies(symphonies)
    if not entries:
        raise PortfolioError("expected at least one strategy (--strategies nuclear=0.3,tecl=0.7) or --symphony FILE")
    manager = StrategyManager()
    for engine, share in _with_the_rest(entries):
        manager.add_strategy(engine, share)
    manager.require_whole()
    return manager.allotments


def _named(part: str) -> Entry:
    name, _, share = part.partition("=")
    return load_strategy(name.strip()), _share(part, share) if share else None


def _symphonies(texts: Sequence[str]) -> list[Entry]:
    """Named after their files: x.clj beside x.json by the whole names."""
    files = [(*_file_and_share(text), text) for text in texts]
    stems = Counter(path.stem for path, _, _ in files)
    entries: list[Entry] = []
    for path, share, text in files:
        engine = load_symphony(path)
        name = path.name if stems[path.stem] > 1 else engine.name
        entries.append((replace(engine, name=name), _share(text, share) if share else None))
    return entries


def _file_and_share(text: str) -> tuple[Path, str]:
    """FILE or FILE=share; a file's own name may have an = in it."""
    path, _, share = text.rpartition("=")
    return (Path(text), "") if not path or Path(text).exists() else (Path(path), share)


def _share(part: str, text: str) -> Decimal:
    try:
        return Decimal(text.strip())
    except InvalidOperation:
        raise PortfolioError(f"{part}: expected a share such as 0.5 after =, got {text!r}") from None


def _with_the_rest(entries: Sequence[Entry]) -> list[tuple[StrategyEngine, Decimal]]:
    given = sum((share for _, share in entries if share is not None), Decimal(0))
    open_shares = sum(1 for _, share in entries if share is None)
    rest = (1 - given) / open_shares if open_shares else Decimal(0)
    return [(engine, rest if share is None else share) for engine, share in entries]
