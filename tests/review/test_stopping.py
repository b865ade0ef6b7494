"""When a session should stop."""

from builder.edits.model import Proposal, SetRule
from builder.review.view import Limit, limit_from, stop_reason
from builder.session.records import (
    Decided,
    Drafted,
    Measured,
    Proposed,
    Record,
    RoundEnded,
)
from builder.session.state import State, advance, fold, needs_measuring
from tests.worlds import CLASSES, DRAFT, started


def proposal(class_name: str, option: str, source: str = "data") -> Proposal:
    edit = SetRule(class_name=class_name, group="colour", options=(option,))
    return Proposal.model_validate({"edits": [edit], "source": source})


def accepted(made: Proposal) -> Decided:
    return Decided(proposal=made, decision="accepted", by="person")


def measured(version: int, held_out: str) -> Measured:
    return Measured(version=version, images="x", review=held_out, held_out=held_out)


def after(*records: Record) -> State:
    return fold([started(), *records])


def drafted() -> Drafted:
    return Drafted(system=DRAFT, source="test")


def test_patience_counts_finished_rounds_without_a_new_best() -> None:
    state = after(drafted(), measured(1, "0110"), RoundEnded(round=1))
    assert (state.rounds_without_gain, state.round) == (1, 2)
    assert stop_reason(state, Limit(2)) is None
    worse = advance(advance(state, accepted(proposal(CLASSES[0], "green"))), measured(2, "0010"))
    over = advance(worse, RoundEnded(round=2))
    assert over.rounds_without_gain == 2
    assert "2 rounds" in (stop_reason(over, Limit(2)) or "")
    better = advance(advance(state, accepted(proposal(CLASSES[0], "green"))), measured(2, "1110"))
    assert better.rounds_without_gain == 0
    patient = fold([started(patience=3), drafted(), measured(1, "0"), *ended(2)])
    assert stop_reason(patient, limit_from(patient, None)) is None


def ended(count: int) -> list[Record]:
    return [RoundEnded(round=number + 1) for number in range(count)]


def test_rounds_are_limited_and_an_empty_round_is_the_end() -> None:
    state = after(drafted(), measured(1, "1"), RoundEnded(round=1))
    assert stop_reason(state, Limit(2, last_round=1)) == "round 1 was the last one asked for"
    assert stop_reason(state, Limit(2, last_round=2)) is None
    empty = advance(state, Proposed(round=2, asked=False, proposals=()))
    assert stop_reason(empty, Limit(2)) == "nothing is left to propose"
    changed = advance(empty, accepted(proposal(CLASSES[0], "green")))
    assert needs_measuring(changed)
    assert stop_reason(changed, Limit(2)) is None


def test_a_resumed_session_gets_rounds_and_patience_from_where_it_is() -> None:
    state = after(drafted(), measured(1, "01"), *ended(3))
    assert (state.round, state.rounds_without_gain) == (4, 3)
    limit = limit_from(state, 2)
    assert limit == Limit(patience=2, first_round=4, last_round=5)
    assert stop_reason(state, limit) is None
    later = advance(state, RoundEnded(round=4))
    assert stop_reason(later, limit) is None
    over = advance(later, RoundEnded(round=5))
    assert stop_reason(over, limit) == "round 5 was the last one asked for"
    assert stop_reason(over, limit_from(state, None)) == (
        "no new best on held-out images for 2 rounds"
    )
    better = advance(advance(later, accepted(proposal(CLASSES[0], "green"))), measured(2, "11"))
    assert stop_reason(advance(better, RoundEnded(round=5)), limit_from(state, None)) is None
