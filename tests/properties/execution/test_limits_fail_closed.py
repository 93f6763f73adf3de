"""No number that is none gets an order past the limits, and a tighter bound or a larger order never lets more through."""

from __future__ import annotations

import dataclasses
from decimal import Decimal
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.execution.domain.limits import LIMITS, Bounds, objection
from services.execution.domain.losses import EquityRecord
from services.execution.domain.proposal import Proposal
from services.execution.domain.reference import Reference
from shared.contracts.base import Value
from shared.contracts.marketdata import Quote
from tests.unit.execution.builders import a_proposal, a_quote, a_reading, a_reference


def numbers_of(model: type[Value]) -> list[str]:
    return [name for name, field in model.model_fields.items() if "Decimal" in str(field.annotation)]


PLACES: Final = [
    *((None, f.name) for f in dataclasses.fields(Proposal) if "Decimal" in str(f.type)),
    *(("quote", name) for name in numbers_of(Quote)),
    *(("worth", name) for name in numbers_of(EquityRecord)),
    *(("reference", name) for name in numbers_of(Reference)),
]


def with_number(proposal: Proposal, place: tuple[str | None, str], number: Decimal) -> Proposal:
    """The proposal with that number there, past every validation."""
    part, name = place
    if part is None:
        return dataclasses.replace(proposal, **{name: number})
    whole = getattr(proposal, part)
    fields = {field: getattr(whole, field) for field in type(whole).model_fields}
    return dataclasses.replace(proposal, **{part: type(whole).model_construct(**(fields | {name: number}))})


@pytest.mark.parametrize("place", PLACES, ids=str)
@pytest.mark.parametrize("side", ["buy", "sell"])
def test_no_proposal_with_a_number_that_is_none_passes(place: tuple[str | None, str], side: Any) -> None:
    ordinary = a_proposal(side=side, held_qty=Decimal(20))
    assert objection(ordinary, Bounds()) is None
    for number in (Decimal("NaN"), Decimal("sNaN")):
        assert objection(with_number(ordinary, place, number), Bounds()) is not None


_amounts = st.decimals("0.01", "5000", places=2)
_proposals = st.builds(
    a_proposal,
    side=st.sampled_from(["buy", "sell"]),
    qty=_amounts,
    price=st.decimals("90", "115", places=2),
    held_qty=_amounts,
    equity=st.decimals("1000", "500000", places=2),
    traded=st.decimals("0", "2000000", places=2),
    open_orders=st.integers(0, 120),
    worth=st.builds(a_reading, equity=st.sampled_from(["100000", "80000", "60000", "40000"])),
    funds=st.decimals("-1000", "300000", places=2),
    quote=st.builds(a_quote, bid=st.just("100"), ask=st.sampled_from(["100", "100.10", "100.60", "103"])),
    reference=st.builds(
        a_reference,
        close=st.sampled_from(["50", "80", "100", "130"]),
        average_volume=st.decimals("0", "100000", places=0),
        typical_move=st.sampled_from([Decimal(0), Decimal("0.01"), Decimal("0.05")]),
    ),
)
_factors = st.decimals("0.01", "1", places=2)


@settings(max_examples=300, deadline=None)
@given(proposal=_proposals, factor=_factors)
def test_what_passes_tighter_bounds_passes_wider_ones(proposal: Proposal, factor: Decimal) -> None:
    wide, names = Bounds(), [f.name for f in dataclasses.fields(Bounds) if "Decimal" in str(f.type)]
    for name in names:
        tight = dataclasses.replace(wide, **{name: getattr(wide, name) * factor})
        if objection(proposal, tight) is None:
            assert objection(proposal, wide) is None, name
    if objection(proposal, dataclasses.replace(wide, max_open_orders=int(100 * factor))) is None:
        assert objection(proposal, wide) is None


@settings(max_examples=300, deadline=None)
@given(proposal=_proposals, factor=_factors)
def test_a_smaller_order_passes_where_a_larger_one_does(proposal: Proposal, factor: Decimal) -> None:
    smaller = dataclasses.replace(proposal, qty=proposal.qty * factor)
    if objection(proposal, Bounds()) is None:
        assert objection(smaller, Bounds()) is None


@settings(max_examples=300, deadline=None)
@given(proposal=_proposals)
def test_what_fits_by_a_limit_passes_that_limit(proposal: Proposal) -> None:
    found = objection(proposal, Bounds())
    if found is not None and found.fits is not None:
        again = dataclasses.replace(proposal, qty=found.fits)
        [limit] = [limit for limit in LIMITS if limit.name == found.limit]
        assert objection(again, Bounds(), (limit,)) is None or found.fits >= proposal.qty
