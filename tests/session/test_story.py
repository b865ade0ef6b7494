"""A session's story: what led from one version to the next, and who decided it."""

import pytest

from builder.edits.locks import Lock
from builder.edits.model import Proposal, RenameGroup, SetRule
from builder.scoring.statistics import Effect
from builder.session.records import (
    Decided,
    Drafted,
    Exported,
    Locked,
    Measured,
    Noted,
    Optimised,
    Record,
    Redone,
    Reverted,
    RoundEnded,
    Undone,
    Unlocked,
)
from builder.session.story import Story, Stretch, story_of
from tests.worlds import CLASSES, DRAFT, GOOD, started

FIX = Proposal(
    edits=(SetRule(class_name=CLASSES[2], group="form", options=("a fish",)),), source="data"
)
RENAME = Proposal(edits=(RenameGroup(group="colour", to="fur"),), source="llm", reason="why")
OWN = Proposal(
    edits=(SetRule(class_name=CLASSES[0], group="form", options=("a fish",)),), source="person"
)
BETTER = Effect(n=9, fixed=3, broken=0)


def took(proposal: Proposal, *, by: str = "person", effect: Effect | None = BETTER) -> Decided:
    return Decided.model_validate(
        {"proposal": proposal, "decision": "accepted", "by": by, "effect": effect}
    )


def refused(proposal: Proposal, decision: str = "rejected") -> Decided:
    return Decided.model_validate({"proposal": proposal, "decision": decision, "by": "person"})


def measured(version: int, held_out: str = "10", images: str = "x") -> Measured:
    return Measured(version=version, images=images, review="1", held_out=held_out)


def told(*records: Record) -> Story:
    """Each record a second after the one before it."""
    everything = (started(), Drafted(system=DRAFT, source="m"), *records)
    times = (f"2026-01-01T00:00:{second:02}+00:00" for second in range(len(everything)))
    return story_of(zip(everything, times, strict=True))


def proposals(stretch: Stretch) -> list[Proposal]:
    return [each.decided.proposal for each in stretch.accepted]


def test_each_version_has_what_led_to_it_with_who_and_what_it_did() -> None:
    story = told(
        measured(1),
        took(FIX, by="auto"),
        refused(OWN),
        RoundEnded(round=1),
        measured(2, "11"),
        took(RENAME, effect=None),
        refused(OWN, "skipped"),
    )
    first, second, since = story.stretches
    assert (story.began, story.drafted_by) == ("2026-01-01T00:00:00+00:00", "m")
    assert (first.at, first.rounds, first.previous) == ("2026-01-01T00:00:02+00:00", 0, None)
    assert first.empty
    assert proposals(second) == [FIX]
    assert (second.accepted[0].decided.by, second.accepted[0].decided.effect) == ("auto", BETTER)
    assert second.accepted[0].before == DRAFT
    assert (len(second.rejected), second.skipped, second.rounds) == (1, 0, 1)
    assert second.version is story.state.versions[1]
    assert second.previous is story.state.versions[0]
    assert since.version is None
    assert proposals(since) == [RENAME]
    assert since.accepted[0].before == GOOD
    assert (since.rejected, since.skipped) == ((), 1)
    assert story.unmeasured


def test_what_was_undone_is_not_told_and_what_was_done_again_is() -> None:
    undone = Undone(of="last")
    story = told(measured(1), refused(OWN), undone, took(FIX), undone, took(RENAME), undone)
    assert story.stretches[-1].empty
    assert not story.unmeasured
    again = told(measured(1), took(FIX), undone, Redone())
    assert proposals(again.stretches[-1]) == [FIX]
    # Taken back after it was measured, it is missing from the version after.
    later = told(measured(1), took(FIX), measured(2), undone, took(OWN), measured(3))
    assert later.stretches[2].taken_back == (FIX,)
    assert proposals(later.stretches[2]) == [OWN]


def test_a_return_to_a_version_tells_what_is_gone_and_what_came_on_top() -> None:
    story = told(measured(1), took(FIX), measured(2), took(RENAME), Reverted(version=1), took(OWN))
    since = story.stretches[-1]
    assert since.back_to == 1
    assert since.taken_back == (FIX,)
    assert proposals(since) == [OWN]
    parts = (measured(1), took(FIX), measured(2), Reverted(version=1), took(OWN), measured(3))
    later = told(*parts, took(RENAME)).stretches[-1]
    assert (proposals(later), later.taken_back, later.back_to) == ([RENAME], (), None)
    back = told(measured(1), took(FIX), measured(2), Reverted(version=1))
    assert not back.unmeasured
    assert not back.stretches[-1].empty


def test_notes_and_locks_belong_to_the_stretch_in_which_they_were_made() -> None:
    colour, absol = Lock(group="colour"), Lock(class_name=CLASSES[0])
    story = told(
        Noted(text="one"),
        Locked(lock=colour),
        measured(1),
        Noted(text="two"),
        took(RENAME),
        Locked(lock=absol),
        measured(2),
        Unlocked(lock=Lock(group="fur")),
    )
    first, second, since = story.stretches
    assert (first.notes, first.locked, first.unlocked) == (("one",), (colour,), ())
    # The lock follows its group's new name, and nobody locked anything for that.
    assert (second.notes, second.locked, second.unlocked) == (("two",), (absol,), ())
    assert (since.locked, since.unlocked) == ((), (Lock(group="fur"),))


def test_runs_of_optimisers_belong_to_the_stretch_in_which_they_ended() -> None:
    run = Optimised(optimiser="greedy", seed=0, measured=7, restarts=0, reason="over")
    first, second, now = told(measured(1), run, took(FIX), measured(2), run).stretches
    assert (first.optimised, second.optimised, now.optimised) == ((), (run,), (run,))
    assert not now.empty


def test_a_version_measured_again_on_other_images_is_told_once_with_its_new_marks() -> None:
    again = (measured(1, "1111", "y"), measured(2, "0000", "y"))
    story = told(measured(1), took(FIX), measured(2, "11"), *again)
    assert [s.version.held_out for s in story.stretches if s.version] == ["1111", "0000"]
    assert story.stretches[1].previous is story.state.versions[0]
    assert proposals(story.stretches[1]) == [FIX]


def test_exports_say_whether_they_showed_anything_new() -> None:
    first = Exported(path="a", version=1, images="f", final="1")
    second = Exported(path="b", version=1, images="f", final="1")
    story = told(measured(1), Exported(path="c", version=1, final=None), first, second)
    assert [each.looked for each in story.exports] == [False, True, False]
    assert [each.record.path for each in story.exports] == ["c", "a", "b"]


def test_without_images_everything_is_in_the_one_stretch() -> None:
    story = told(took(FIX), refused(RENAME))
    (only,) = story.stretches
    assert only.version is None
    assert (proposals(only), len(only.rejected)) == ([FIX], 1)
    assert only.accepted[0].before == DRAFT


def test_a_session_that_was_only_started_has_nothing_to_tell() -> None:
    story = story_of([(started(), "")])
    assert (len(story.stretches), story.stretches[0].empty, story.unmeasured) == (1, True, False)
    with pytest.raises(ValueError, match="begins with a started record"):
        story_of([])
