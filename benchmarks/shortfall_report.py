"""What was measured, as people read it: a table, the doubts, the section of RESULTS.md."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from benchmarks.shortfall_statistics import Estimate

COUNTINGS: Final = ("undecided are no fills", "undecided are fills")
MARKET, DOCUMENTED, DEFAULT = "market on arrival", "documented ladder", "our default"
TITLE: Final = "## Shortfall"


@dataclass(frozen=True)
class Line:
    """One policy in one regime, counted one way."""

    regime: str
    policy: str
    counting: str
    bps: Estimate
    dollars: Estimate
    against_market: Estimate
    against_documented: Estimate
    facts: dict[str, Any]

    def as_json(self) -> dict[str, Any]:
        return {
            "regime": self.regime,
            "policy": self.policy,
            "counting": self.counting,
            "bps": self.bps.rounded(),
            "dollars_per_1000_shares": self.dollars.rounded(),
            "bps_against_market": self.against_market.rounded(),
            "bps_against_documented": self.against_documented.rounded(),
            **self.facts,
        }


def verdicts(found: Iterable[Line], policy: str) -> list[str]:
    """Where that policy is not proven better than both; empty when the claim holds. Parts of a session are no regime."""
    return [
        f"{line.regime}; {line.counting}: against {name} {difference} bps"
        for line in found
        if line.policy == policy and line.facts.get("part", "whole session") == "whole session"
        for name, difference in ((MARKET, line.against_market), (DOCUMENTED, line.against_documented))
        if not difference.is_below_zero
    ]


def table(found: Sequence[Line]) -> Iterable[str]:
    """Lower is better; a difference with its whole interval below 0 is marked *, one above 0 is marked !."""
    heading = f"{'policy':20}{'bps':>26}{'$/1,000 sh':>11}{'vs market':>28}{'vs documented':>28}{'resting':>8}{'requests':>9}{'s':>6}"
    shown = None
    for line in found:
        if (group := (line.regime, line.counting)) != shown:
            shown = group
            yield f"\n{line.regime}; {line.counting}\n{heading}"
        facts = line.facts
        yield (
            f"{line.policy:20}{line.bps!s:>26}{line.dollars.mean:11.2f}"
            f"{_marked(line.against_market):>28}{_marked(line.against_documented):>28}"
            f"{facts['share_filled_resting']:8.0%}{facts['requests']:9.2f}{facts['seconds_to_end']:6.1f}"
        )


def _marked(difference: Estimate) -> str:
    mark = "*" if difference.is_below_zero else "!" if difference.is_above_zero else " "
    return f"{difference}{mark}"


def section(found: Sequence[Line], count: int, seed: int) -> str:
    """Of RESULTS.md: means in bps, and our default's differences with their intervals."""
    rows = [
        TITLE,
        "",
        f"`make bench-shortfall DATA=../shared/data`: {count:,} parents per side and size (100 and 500 shares), seed {seed}.",
        "Bps against the midpoint at arrival, 95 % intervals; * where all of it is below 0, ! where all of it is above.",
        "(h): held out, the default was not chosen on it. What is counted, what the table does not prove: docs/execution-costs.md.",
        "",
    ]
    for counting in COUNTINGS:
        rows += [f"**{counting[0].upper()}{counting[1:]}**", ""]
        rows += [
            f"| regime | market | documented | {DEFAULT} | $ per 1,000 shares | against market | against documented |"
        ]
        rows += ["|---|---:|---:|---:|---:|---:|---:|"]
        rows += [_row(line, found) for line in found if line.policy == DEFAULT and line.counting == counting]
        rows.append("")
    return "\n".join(rows)


def _row(line: Line, found: Sequence[Line]) -> str:
    of = {one.policy: one for one in found if (one.regime, one.counting) == (line.regime, line.counting)}
    cells = (
        f"{line.regime}{' (h)' if line.facts['held_out'] else ''}",
        f"{of[MARKET].bps.mean:.3f}",
        f"{of[DOCUMENTED].bps.mean:.3f}",
        f"{line.bps.mean:.3f}",
        f"{line.dollars.mean:.2f}",
        _marked(line.against_market),
        _marked(line.against_documented),
    )
    return f"| {' | '.join(cell.strip() for cell in cells)} |"
