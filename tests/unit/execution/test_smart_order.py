"""The table, event by event: what each word of the broker, each answer and each moment leads to."""

from __future__ import annotations

import typing
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

import pytest

from services.execution.domain import order_events, smart_order
from services.execution.domain.broker import RejectKind, Status
from services.execution.domain.ladder import Policy, standard
from services.execution.domain.order_events import (
    Blocked,
    Cancel,
    CancelAccepted,
    CancelRejected,
    CancelUnknown,
    Event,
    Found,
    NotFound,
    Place,
    Placed,
    PlaceRejected,
    PlaceUnknown,
    Query,
    QueryFailed,
    Stopped,
    Tell,
    Tick,
    Updated,
)
from services.execution.domain.order_rejections import REACTIONS
from services.execution.domain.order_state import Phase, SmartOrder
from services.execution.domain.smart_order import TABLE
from shared.contracts import Message
from shared.contracts.alerts import AlertRaised
from shared.contracts.execution import (
    OrderAbandoned,
    OrderChildEnded,
    OrderFilled,
    OrderPartlyFilled,
    OrderPlaced,
    OrderRefused,
    OrderUnknown,
)
from tests.unit.execution.builders import NOW, a_quote, a_word, an_order, an_update, seconds

POLICY = standard(patience_seconds=10)
MID, STEP1, STEP2, TAKE = "p1-SPY-buy-mid-1", "p1-SPY-buy-step1-2", "p1-SPY-buy-step2-3", "p1-SPY-buy-take-4"


class Life:
    """One order and the clock it lives by."""

    def __init__(self, order: SmartOrder | None = None, policy: Policy = POLICY) -> None:
        self.order, self.policy, self.now = order or an_order(), policy, NOW
        self.commands: list[order_events.Command] = []
        self.told: list[Message] = []

    def __call__(self, *events: Event, after: float = 0) -> Life:
        self.now += seconds(after)
        for event in events:
            step = smart_order.step(self.order, event, self.now, self.policy)
            self.order, self.commands = step.order, list(step.commands)
            self.told += [command.message for command in step.commands if isinstance(command, Tell)]
        return self

    def asks(self, kind: type) -> list[typing.Any]:
        return [command for command in self.commands if isinstance(command, kind)]

    def kinds(self) -> list[type]:
        return [type(message) for message in self.told]


def placing() -> Life:
    return Life()(Tick(a_quote()))


def working() -> Life:
    return placing()(Placed(a_word()))


def cancelling() -> Life:
    return working()(Tick(a_quote()), after=10)


def unknown() -> Life:
    return placing()(PlaceUnknown(MID, "HTTP 504"))


def a_fill(qty: str, cumulative: str, name: str = "e1", status: Status = Status.PARTIALLY_FILLED) -> Updated:
    word = a_word(status=status, filled_qty=Decimal(cumulative), filled_avg_price=Decimal("100.05"))
    event = "fill" if status is Status.FILLED else "partial_fill"
    return Updated(an_update(event, word, execution_id=name, qty=Decimal(qty), price=Decimal("100.05")))


def canceled(filled: str = "0", name: str = MID) -> Updated:
    price = Decimal("100.05") if filled != "0" else None
    word = a_word(name, Status.CANCELED, filled_qty=Decimal(filled), filled_avg_price=price)
    return Updated(an_update("canceled", word))


def test_the_table_speaks_about_every_phase_and_every_event() -> None:
    events: Sequence[type] = typing.get_args(order_events.Event)
    spoken = {event for _, event in TABLE}
    assert spoken == set(events)
    missing = {(phase, event) for phase in Phase for event in events} - set(TABLE)
    assert missing == {(phase, Blocked) for phase in Phase if phase is not Phase.PLACING}


def test_what_is_not_in_the_table_raises_and_changes_nothing() -> None:
    life = working()
    before = life.order
    with pytest.raises(order_events.ImpossibleEventError):
        life(Blocked(MID, "spread", "too wide", may_pass=True))
    assert life.order is before


@pytest.mark.parametrize("life", [placing, working, cancelling, unknown])
def test_words_about_a_strangers_order_are_refused(life: typing.Callable[[], Life]) -> None:
    with pytest.raises(order_events.ImpossibleEventError, match="no child"):
        life()(Found(a_word("somebody-else")))


def test_the_first_child_is_sent_at_the_midpoint_for_everything() -> None:
    [place] = placing().asks(Place)
    assert (place.request.client_order_id, place.request.limit_price, place.request.qty) == (
        MID,
        Decimal("100.05"),
        100,
    )


def test_without_a_quote_nothing_is_sent_and_it_is_looked_again() -> None:
    life = Life()(Tick(None))
    assert life.commands == []
    assert smart_order.is_due(life.order, NOW + seconds(1))


def test_an_answer_makes_it_work_and_tells() -> None:
    life = working()
    assert life.order.phase is Phase.WORKING
    assert life.kinds() == [OrderPlaced]


def test_a_fill_before_the_answer_counts_once() -> None:
    life = placing()(a_fill("100", "100", status=Status.FILLED), Placed(a_word()))
    assert life.order.ending == "filled"
    assert life.kinds() == [OrderPlaced, OrderFilled]


def test_a_fill_told_three_times_counts_once() -> None:
    life = working()(*[a_fill("30", "30")] * 3)
    assert life.order.filled == 30
    assert life.kinds().count(OrderPartlyFilled) == 1


def test_fills_out_of_order_add_up() -> None:
    life = working()(a_fill("20", "50", "e2"), a_fill("30", "30", "e1"))
    assert life.order.filled == 50


def test_a_lost_fill_is_seen_in_the_next_cumulative_quantity() -> None:
    life = working()(a_fill("10", "40", "e3"))
    assert life.order.filled == 40
    assert isinstance(life.told[-1], OrderPartlyFilled)
    assert life.told[-1].qty == 40


def test_a_rung_over_asks_for_a_cancel_and_sends_nothing_yet() -> None:
    life = cancelling()
    assert life.order.phase is Phase.CANCELLING
    assert life.asks(Cancel)
    assert not life.asks(Place)


def test_the_answer_to_a_cancel_is_no_end() -> None:
    life = cancelling()(CancelAccepted(MID))
    assert life.order.phase is Phase.CANCELLING
    assert life.commands == []


def test_after_the_proof_only_the_rest_is_sent_at_the_next_rung() -> None:
    life = cancelling()(a_fill("30", "30"), canceled("30"))
    assert life.order.phase is Phase.READY
    [place] = life(Tick(a_quote())).asks(Place)
    assert (place.request.client_order_id, place.request.qty) == (STEP1, 70)
    assert place.request.limit_price == Decimal("100.07")


def test_a_fill_that_wins_over_the_cancel_ends_it() -> None:
    life = cancelling()(a_fill("100", "100", status=Status.FILLED))
    assert life.order.ending == "filled"


def test_a_refused_cancel_is_asked_about() -> None:
    life = cancelling()(CancelRejected(MID, RejectKind.NOT_CANCELABLE, "filled"))
    assert life.asks(Query)
    assert life(Found(a_word(status=Status.FILLED, filled_qty=Decimal(100)))).order.ending == "filled"


def test_an_unknown_cancel_is_asked_about_and_asked_for_again_while_the_order_lives() -> None:
    life = cancelling()(CancelUnknown(MID, "timeout"))
    assert life.asks(Query)
    assert life(Found(a_word())).asks(Cancel)
    assert not life(Found(a_word(status=Status.PENDING_CANCEL))).asks(Cancel)


def test_a_cancel_that_is_refused_again_and_again_is_repeated_with_growing_pauses() -> None:
    life = cancelling()
    for pause in POLICY.query_backoff_seconds:
        life(CancelRejected(MID, RejectKind.RATE_LIMITED, "too many requests"))
        if life.asks(Query):
            assert life(Found(a_word())).asks(Cancel), "the first no is asked about at once"
            life(CancelRejected(MID, RejectKind.RATE_LIMITED, "too many requests"))
        assert not life.asks(Query)
        assert life.order.wake_at is not None
        assert life.order.wake_at - life.now >= seconds(pause)
        assert life(Tick(a_quote()), after=10).asks(Query)
        assert life(Found(a_word())).asks(Cancel)


def test_a_stuck_cancel_is_asked_about_told_once_and_never_followed_by_more() -> None:
    life = cancelling()(CancelAccepted(MID))
    for _ in range(30):
        life(Tick(a_quote()), after=5)
        assert not life.asks(Place)
        if life.asks(Query):
            life(Found(a_word(status=Status.PENDING_CANCEL)))
    assert life.kinds().count(AlertRaised) == 1
    assert life.order.open_qty == 100
    for _ in range(60):
        life(Tick(a_quote()), after=5)
    assert life.order.ending == "unknown"


def test_a_rung_at_the_same_price_is_not_sent_again() -> None:
    one_cent = a_quote(bid="100.00", ask="100.01")
    life = Life()(Tick(one_cent), Placed(a_word(limit_price=Decimal("100.00"))))
    life(Tick(one_cent), after=10)
    assert not life.asks(Cancel)
    assert life.order.rung == 1
    assert life(Tick(one_cent), after=10).asks(Cancel)


def test_the_last_rung_follows_a_market_that_runs_away_and_stays_when_it_comes_back() -> None:
    policy = standard(patience_seconds=10, urgency="urgent")
    name = "p1-SPY-buy-take-1"
    life = Life(policy=policy)(Tick(a_quote()), Placed(a_word(name, limit_price=Decimal("100.30"))))
    life(Tick(a_quote(bid="99", ask="99.10")), after=10)
    assert not life.asks(Cancel)
    assert life(Tick(a_quote(bid="101", ask="101.10")), after=10).asks(Cancel)


def test_silence_is_asked_about() -> None:
    patient = standard(patience_seconds=1000)
    life = Life(policy=patient)(Tick(a_quote()), Placed(a_word()))
    assert life(Tick(a_quote()), after=8).asks(Query)
    assert not life(Tick(a_quote()), after=1).asks(Query)
    assert not life(NotFound(MID), QueryFailed(MID, "503")).asks(Place)
    assert life(Tick(a_quote()), after=8).asks(Query)


def test_near_the_close_only_the_last_rung_is_left() -> None:
    [place] = Life(an_order(close_at=NOW + seconds(60)))(Tick(a_quote())).asks(Place)
    assert place.rung == "take"


def test_after_the_close_nothing_is_sent() -> None:
    life = Life(an_order(close_at=NOW))(Tick(a_quote()))
    assert (life.order.ending, life.order.detail) == ("unfilled", "the session ended")


def test_an_order_that_expires_ends_with_what_it_has() -> None:
    expired = a_word(status=Status.EXPIRED, filled_qty=Decimal(40), filled_avg_price=Decimal(100))
    life = working()(Updated(an_update("expired", expired)))
    assert life.order.ending == "partly filled"
    assert life.kinds()[-2:] == [OrderChildEnded, OrderAbandoned]


def test_what_is_not_filled_in_time_is_cancelled_and_given_up() -> None:
    life = working()(Tick(a_quote()), after=POLICY.give_up_seconds)
    assert life.asks(Cancel)
    life(canceled())(Tick(a_quote()))
    assert life.order.ending == "unfilled"


def test_an_unknown_answer_is_told_and_asked_about_by_name() -> None:
    life = unknown()
    assert life.kinds() == [OrderUnknown]
    [query] = life(Tick(a_quote()), after=0.2).asks(Query)
    assert query.client_order_id == MID
    assert life(Found(a_word())).order.phase is Phase.WORKING


def test_not_found_soon_proves_nothing_and_late_sends_the_same_id() -> None:
    life = unknown()
    assert not life(NotFound(MID), after=29).asks(Place)
    [place] = life(NotFound(MID), after=1).asks(Place)
    assert place.is_resend
    assert place.request.client_order_id == MID


def test_an_order_sent_in_vain_too_often_is_left_to_a_person() -> None:
    life = unknown()
    for _ in range(POLICY.max_resends):
        life(NotFound(MID), after=30)(PlaceUnknown(MID, "HTTP 504"))
    life(NotFound(MID), after=30)
    assert life.order.ending == "unknown"
    assert life.kinds()[-2:] == [AlertRaised, OrderAbandoned]


def test_a_repeated_id_is_adopted() -> None:
    life = placing()(PlaceRejected(MID, RejectKind.DUPLICATE_CLIENT_ID, "must be unique"))
    assert life.asks(Query)
    assert life(Found(a_word())).order.phase is Phase.WORKING


def test_somebody_elses_order_under_our_name_is_never_touched() -> None:
    life = placing()(PlaceRejected(MID, RejectKind.DUPLICATE_CLIENT_ID, "must be unique"))
    life(Found(a_word(qty=Decimal(7))))
    assert life.order.ending == "unknown"
    assert not life.asks(Cancel)


def test_a_late_no_to_a_living_order_is_no_end() -> None:
    life = placing()(a_fill("30", "30"), PlaceRejected(MID, RejectKind.OTHER, "no"))
    assert life.order.phase is Phase.WORKING


@pytest.mark.parametrize("kind", [k for k in RejectKind if k is not RejectKind.DUPLICATE_CLIENT_ID])
def test_every_refusal_has_a_reaction_and_nothing_stays_live(kind: RejectKind) -> None:
    assert kind in REACTIONS
    life = placing()(PlaceRejected(MID, kind, "no"))
    assert life.order.open_qty == 0
    assert life.order.phase in {Phase.READY, Phase.DONE}
    assert OrderChildEnded in life.kinds()


def test_sub_penny_is_quantised_once() -> None:
    penny_stock = a_quote(bid="0.5000", ask="0.5099")
    life = Life(an_order("1000"))(Tick(penny_stock), PlaceRejected(MID, RejectKind.SUB_PENNY, "no"))
    [place] = life(Tick(penny_stock)).asks(Place)
    assert place.request.limit_price == Decimal("0.50")
    second = place.request.client_order_id
    assert life(PlaceRejected(second, RejectKind.SUB_PENNY, "no")).order.ending == "refused"


def test_no_fractions_means_whole_shares_and_less_than_one_means_none() -> None:
    life = Life(an_order("10.7"))(
        Tick(a_quote()), PlaceRejected(MID, RejectKind.NOT_FRACTIONABLE, "no"), Tick(a_quote())
    )
    assert life.asks(Place)[0].request.qty == 10
    life = Life(an_order("0.7"))(Tick(a_quote()), PlaceRejected(MID, RejectKind.NOT_FRACTIONABLE, "no"))
    assert life.order.ending == "refused"


def test_refusals_that_never_end_are_given_up() -> None:
    life = Life()
    for _ in range(POLICY.max_rejections):
        [place] = life(Tick(a_quote()), after=10).asks(Place)
        life(PlaceRejected(place.request.client_order_id, RejectKind.WASH_TRADE, "no"))
    assert life.order.ending == "refused"
    assert len({child.client_order_id for child in life.order.children}) == POLICY.max_rejections


def test_a_limit_of_ours_that_may_pass_is_waited_for_and_the_name_is_free_again() -> None:
    life = placing()(Blocked(MID, "spread", "too wide", may_pass=True))
    assert life.order.children == ()
    [place] = life(Tick(a_quote()), after=1).asks(Place)
    assert place.request.client_order_id == MID


def test_a_limit_of_ours_that_a_little_less_passes_shrinks_the_rest() -> None:
    life = placing()(Blocked(MID, "position size", "too large", may_pass=False, fits=Decimal("99.1234567")))
    [place] = life(Tick(a_quote())).asks(Place)
    assert place.request.qty == Decimal("99.123456")
    assert "position size" in life.order.detail


def test_whole_shares_shrink_by_one_at_least() -> None:
    life = Life(an_order("3", whole_shares=True))(Tick(a_quote()))
    life(Blocked(MID, "buying power", "short", may_pass=True, fits=Decimal("2.99")))
    assert life(Tick(a_quote())).asks(Place)[0].request.qty == 2


@pytest.mark.parametrize("fits", ["89", "0.5"])
def test_a_limit_of_ours_that_needs_much_less_ends_it(fits: str) -> None:
    life = placing()(Blocked(MID, "position size", "too large", may_pass=False, fits=Decimal(fits)))
    assert life.order.ending == "refused"


def test_a_limit_of_ours_that_will_not_pass_ends_it() -> None:
    life = placing()(Blocked(MID, "trading state", "trading is HALTED", may_pass=False))
    assert life.order.ending == "refused"
    assert life.kinds() == [OrderRefused]


@pytest.mark.parametrize(
    ("life", "phase"),
    [(Life, Phase.DONE), (placing, Phase.PLACING), (working, Phase.CANCELLING), (cancelling, Phase.CANCELLING)],
)
def test_a_wish_to_stop_cancels_what_lives_and_waits_for_the_proof(
    life: typing.Callable[[], Life], phase: Phase
) -> None:
    assert life()(Stopped("halt: a test")).order.phase is phase


def test_stopped_while_placing_it_is_cancelled_as_soon_as_it_is_known() -> None:
    life = placing()(Stopped("halt: a test"), Placed(a_word()))
    assert life.asks(Cancel)
    life(canceled(), Tick(a_quote()))
    assert (life.order.ending, life.order.detail) == ("unfilled", "halt: a test")


def test_stopped_with_an_unknown_fate_it_ends_only_after_long_silence() -> None:
    life = unknown()(Stopped("halt: a test"))
    assert life(NotFound(MID), after=10).order.phase is Phase.UNKNOWN
    assert life(NotFound(MID), Tick(a_quote()), after=20).order.ending == "unfilled"


def test_a_cancel_from_outside_is_not_fought() -> None:
    life = working()(canceled())
    assert life.order.ending == "unfilled"
    assert AlertRaised in life.kinds()


def test_a_late_fill_of_an_ended_child_cancels_what_is_now_too_much() -> None:
    life = cancelling()(canceled("0"), Tick(a_quote()))
    life(Placed(a_word(STEP1)), a_fill("30", "30"))
    assert life.asks(Cancel)[0].client_order_id == STEP1
    assert life.order.filled == 30


def test_a_fill_after_the_end_is_counted_and_told() -> None:
    life = working()(canceled(), a_fill("30", "30"))
    assert life.order.filled == 30
    assert life.kinds()[-2:] == [OrderPartlyFilled, AlertRaised]


def test_a_status_nobody_knows_is_no_end() -> None:
    life = working()(Found(a_word(status=Status.UNRECOGNISED)))
    assert life.order.phase is Phase.WORKING


def test_a_busted_trade_is_told_to_a_person() -> None:
    life = working()(a_fill("30", "30"), Updated(an_update("trade_bust", a_word(filled_qty=Decimal(30)))))
    assert isinstance(life.told[-1], AlertRaised)


def test_a_foreign_replacement_leaves_the_rest_unknown() -> None:
    life = working()(Updated(an_update("replaced", a_word(status=Status.REPLACED))))
    assert life.order.ending == "unknown"


def test_slippage_is_counted_against_the_midpoint_at_arrival() -> None:
    life = working()(a_fill("100", "100", status=Status.FILLED))
    filled = life.told[-1]
    assert isinstance(filled, OrderFilled)
    assert (filled.arrival_mid, filled.slippage_bps) == (Decimal("100.05"), 0)
    seller = replace(life.order, side="sell", arrival_mid=Decimal("100.10"))
    assert seller.slippage_bps == Decimal("5.00")


def test_the_last_word_of_the_ladder_crosses_with_a_collar() -> None:
    life = Life()
    names = [MID, STEP1, STEP2]
    for name in names:
        [place] = life(Tick(a_quote())).asks(Place)
        life(Placed(a_word(name, limit_price=place.request.limit_price)))
        life(Tick(a_quote()), after=10)(canceled(name=name))
    [place] = life(Tick(a_quote())).asks(Place)
    assert (place.request.client_order_id, place.request.limit_price) == (TAKE, Decimal("100.30"))


def test_a_fill_tells_the_quote_it_met_and_the_order_remembers_where_it_arrived() -> None:
    fill, met = a_fill("30", "30"), a_quote(bid="100.02", ask="100.06", at=NOW - seconds(1))
    life = working()(replace(fill, quote=met))
    told = life.told[-1]
    assert isinstance(told, OrderPartlyFilled)
    assert (told.bid, told.ask, told.quoted_at, told.filled_at) == (met.bid, met.ask, met.at, NOW)
    assert told.rung == "mid"
    assert life.order.arrival == a_quote()
    life(a_fill("30", "60", "e2"))
    assert (life.order.filled, life.order.quoted.qty, life.order.quoted.at_mid) == (60, 30, 30 * Decimal("100.04"))


def test_the_arrival_stays_the_first_quote_however_many_rungs_follow() -> None:
    life = cancelling()(canceled())(Tick(a_quote(bid="101.00", ask="101.10")), after=1)
    assert (len(life.order.children), life.order.arrival, life.order.arrival_mid) == (2, a_quote(), Decimal("100.05"))


def test_a_fill_known_only_from_a_sum_has_neither_an_instant_nor_a_quote() -> None:
    told = working()(Found(a_word(filled_qty=Decimal(30), filled_avg_price=Decimal("100.05")))).told[-1]
    assert isinstance(told, OrderPartlyFilled)
    assert (told.filled_at, told.bid, told.quoted_at) == (None, None, None)
