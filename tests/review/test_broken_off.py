"""An automatic session that is broken off, at whatever record, goes on as if it had not been."""

from collections.abc import Iterator, Sequence

import pytest

from builder.edits.model import Proposal, RenameOption
from builder.review.loop import Event, Recorded, finished, run
from builder.review.view import AutoReviewer, Decide, EndRound, Note, Quit
from builder.scoring.evaluator import Evaluator
from builder.session.export import exported
from builder.session.records import Drafted, Extended, Record
from builder.session.state import fold
from tests.review.test_loop import HARM, REPAIR, UNFIT, ScriptedDrafter, ScriptedReviewer
from tests.worlds import DRAFT, evaluator, started


def renamed(to: str) -> Proposal:
    return Proposal(edits=(RenameOption(group="colour", option="green", to=to),), source="llm")


# Several of a round help, do harm or do not fit; later rounds bring nothing better.
ANSWERS = [(HARM, REPAIR, UNFIT, renamed("lime")), (renamed("moss"), HARM), (), (renamed("tea"),)]
DRAFTED = Drafted(system=DRAFT, source="test")
BEGUN = [started(), DRAFTED]
JUDGE = evaluator()


def drafter_after(records: Sequence[Record]) -> ScriptedDrafter:
    """A model that answers like a recording: on from what the session has heard."""
    return ScriptedDrafter([*ANSWERS, (), (), ()][fold(records).asked :])


def resumed(
    records: Sequence[Record],
    *,
    judge: Evaluator | None = JUDGE,
    model: bool = True,
    rounds: int | None = None,
) -> list[Record]:
    """All records, when the session is played on to its end by itself, and exported."""
    drafter = drafter_after(records) if model else None
    found = run(
        fold(records),
        evaluator=judge,
        drafter=drafter,
        reviewer=AutoReviewer(),
        export_to="x",
        rounds=rounds,
    )
    whole = [*records, *_records(found)]
    return [*whole, exported(fold(whole), judge, "x")]


def _records(found: Iterator[Event]) -> Iterator[Record]:
    return (event.record for event in found if isinstance(event, Recorded))


def cut_everywhere(whole: Sequence[Record], since: int = 1, **settings: object) -> None:
    assert finished(fold(whole))
    for place in range(since, len(whole)):
        assert finished(fold(whole[:place])) is None
        assert resumed(whole[:place], **settings) == whole, f"cut after record {place}"  # type: ignore[arg-type]


@pytest.mark.parametrize("patience", [1, 2, 3])
@pytest.mark.parametrize("model", [True, False])
def test_cut_after_any_record(model: bool, patience: int) -> None:
    whole = resumed([started(patience=patience), DRAFTED], model=model)
    assert fold(whole).system != DRAFT
    cut_everywhere(whole, since=2, model=model)


def test_the_draft_too_is_made_again() -> None:
    cut_everywhere(resumed([started()]))


def test_without_images_nothing_is_proposed_twice() -> None:
    for model in (True, False):
        begun = [started(images=None, encoder=None), DRAFTED]
        cut_everywhere(resumed(begun, judge=None, model=model), 2, judge=None, model=model)


def test_the_rounds_that_were_asked_for_are_kept() -> None:
    begun = [started(patience=9, rounds=3), DRAFTED]
    whole = resumed(begun, rounds=3)
    assert fold(whole).round == 4
    assert not any(isinstance(record, Extended) for record in whole)
    cut_everywhere(whole, since=2)
    more = resumed(whole, rounds=2)
    assert fold(more).round == 6
    assert finished(fold(more)) == "round 5 was the last one asked for"
    cut_everywhere(more, since=len(whole) + 1)


def test_a_finished_session_has_its_patience_renewed_by_more_rounds() -> None:
    whole = resumed(BEGUN)
    assert finished(fold(whole)) == "no new best on held-out images for 2 rounds"
    assert fold(resumed(whole, rounds=1)).round == fold(whole).round + 1
    more = resumed(whole, rounds=5)
    assert fold(more).round == fold(whole).round + 2
    cut_everywhere(more, since=len(whole) + 1)


@pytest.mark.parametrize(
    "actions",
    [
        (Note("horns"),),
        (EndRound(), EndRound()),
        (Decide(renamed("jade"), "accepted"),),
        (Decide(renamed("jade"), "rejected"), EndRound()),
    ],
)
def test_after_a_person_an_automatic_session_goes_on_with_new_patience(
    actions: Sequence[Note | EndRound | Decide],
) -> None:
    whole = resumed(BEGUN)
    visit = run(
        fold(whole),
        evaluator=JUDGE,
        drafter=drafter_after(whole),
        reviewer=ScriptedReviewer([*actions, Quit()]),
        export_to="x",
    )
    taken = [*whole, *_records(visit)]
    assert finished(fold(taken)) is None
    more = resumed(taken)
    assert fold(more).round == fold(taken).round + 2
    cut_everywhere(more, since=len(taken))
