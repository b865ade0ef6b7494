"""The fold of a journal: undo, versions, best, patience, notes, rejected proposals."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.edits.locks import Lock
from builder.edits.model import AddGroup, DropGroup, Proposal, RenameClass, RenameGroup, SetRule
from builder.session.records import (
    Assigned,
    Decided,
    Drafted,
    Exported,
    Locked,
    Measured,
    Noted,
    Optimised,
    Proposed,
    Record,
    Redone,
    Rescored,
    Reverted,
    RoundEnded,
    RulesTried,
    Undone,
    Unlocked,
)
from builder.session.state import State, advance, begin, correct_bits, fold, from_bits
from builder.system.model import Scoring
from tests.worlds import CLASSES, DRAFT, rule, started

OPTIONS = ("red", "blue", "green")


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


def test_a_journal_begins_with_its_start_and_only_once() -> None:
    with pytest.raises(ValueError, match="begins with"):
        fold([drafted()])
    with pytest.raises(ValueError, match="once"):
        fold([started(), started()])


decisions = st.lists(
    st.one_of(
        st.builds(proposal, st.sampled_from(CLASSES), st.sampled_from(OPTIONS)).map(accepted),
        st.just(Undone()),
    ),
    max_size=12,
)


@given(decisions)
def test_undo_takes_back_exactly_the_last_accepted_proposal(steps: list[Record]) -> None:
    state = after(drafted())
    stack = [DRAFT]
    for record in steps:
        if isinstance(record, Undone):
            if len(stack) == 1:
                with pytest.raises(ValueError, match="nothing to undo"):
                    advance(state, record)
                continue
            stack.pop()
        state = advance(state, record)
        if isinstance(record, Decided):
            edit = record.proposal.edits[0]
            assert isinstance(edit, SetRule)
            assert state.system is not None
            assert state.system.rules[edit.class_name]["colour"] == edit.options
            stack.append(state.system)
        assert state.system == stack[-1]
        assert sum(d.decision == "accepted" for d in state.decisions) == len(stack) - 1


names = st.sampled_from(CLASSES)
acts = st.one_of(
    st.builds(
        lambda made, decision: Decided(proposal=made, decision=decision, by="person"),
        st.builds(proposal, names, st.sampled_from(OPTIONS)),
        st.sampled_from(["accepted", "rejected", "skipped"]),
    ),
    st.builds(lambda name: Locked(lock=Lock(class_name=name)), names),
    st.builds(lambda name: Unlocked(lock=Lock(class_name=name)), names),
    st.just(Reverted(version=1)),
)
UNDO, REDO = Undone(of="last"), Redone()


def shown(state: State) -> object:
    """What undo brings back; proposals on offer may stand in another order."""
    offers = sorted(offer.key for offer in state.offers)
    return state.system, state.locks, state.decisions, offers


@given(st.lists(acts, max_size=8), st.data())
def test_undo_of_any_depth_then_redo(done: list[Record], data: st.DataObject) -> None:
    offers = tuple(proposal(name, option) for name in CLASSES for option in OPTIONS)
    state = after(drafted(), measured(1, "01"), Proposed(round=1, asked=False, proposals=offers))
    # A person's own proposals aside, each is decided once.
    history = [state]
    for act in done:
        if isinstance(act, Decided) and act.proposal.key not in {o.key for o in state.offers}:
            continue
        state = advance(state, act)
        history.append(state)
    depth = data.draw(st.integers(0, len(history) - 1))
    for back in range(1, depth + 1):
        state = advance(state, UNDO)
        assert shown(state) == shown(history[-1 - back])
    for forth in reversed(range(depth)):
        state = advance(state, REDO)
        assert shown(state) == shown(history[-1 - forth])
    assert state.undone == ()
    with pytest.raises(ValueError, match="nothing to do again"):
        advance(state, REDO)


def test_what_was_made_in_one_go_is_undone_and_done_again_in_one_go() -> None:
    first, second, third = (accepted(proposal(name, "green")) for name in CLASSES)
    together = [each.model_copy(update={"together": True}) for each in (second, third)]
    state = after(drafted(), Noted(text="x"), first, *together)
    undone = advance(state, UNDO)
    assert undone.system == DRAFT
    assert undone.notes == ("x",)
    redone = advance(undone, REDO)
    assert shown(redone) == shown(state)
    assert redone.undone == ()


def test_a_note_can_be_taken_back_also_after_the_model_has_read_it() -> None:
    asked = Proposed(round=1, asked=True, proposals=())
    state = after(drafted(), Noted(text="horns"), asked, Noted(text="tails"))
    assert (state.told, state.notes) == (("horns",), ("tails",))
    once = advance(state, UNDO)
    assert (once.told, once.notes) == (("horns",), ())
    assert advance(once, UNDO).told == ()
    assert advance(advance(once, UNDO), REDO).notes == ("horns",)


def test_locks_go_with_what_they_were_on_and_come_back_with_it() -> None:
    locks = [Lock(group="form"), Lock(class_name=CLASSES[0])]
    drop = Proposal(edits=(DropGroup(group="form"),), source="person")
    state = after(drafted(), *(Locked(lock=lock) for lock in locks), accepted(drop))
    assert state.locks == (locks[1],)
    assert advance(state, UNDO).locks == tuple(locks)


def test_proposals_are_counted_once_however_often_they_are_made() -> None:
    offer, other = proposal(CLASSES[0], "green"), proposal(CLASSES[1], "green")
    again = Proposed(round=1, asked=True, proposals=(offer, other))
    skipped = Decided(proposal=offer, decision="skipped", by="person")
    state = after(drafted(), Proposed(round=1, asked=False, proposals=(offer,)), skipped, again)
    assert state.tried == 2
    run = Optimised(optimiser="greedy", seed=0, measured=1000, restarts=0, reason="over")
    assert advance(state, run).tried == 1002
    assert state.settled == {offer.key}
    assert advance(state, RoundEnded(round=1)).settled == frozenset()


def test_a_new_decision_ends_what_could_be_done_again() -> None:
    state = after(drafted(), accepted(proposal(CLASSES[0], "green")), UNDO)
    assert state.undone
    assert advance(state, Locked(lock=Lock(group="colour"))).undone == ()


def test_undo_reaches_into_earlier_rounds_and_keeps_this_rounds_offers() -> None:
    first, second = proposal(CLASSES[0], "green"), proposal(CLASSES[1], "green")
    state = after(
        drafted(),
        Proposed(round=1, asked=False, proposals=(first,)),
        accepted(first),
        RoundEnded(round=1),
        Proposed(round=2, asked=False, proposals=(second,)),
        UNDO,
    )
    assert state.system == DRAFT
    assert state.offers == (second, first)


def test_what_an_edited_proposal_was_made_from_leaves_the_table_with_it() -> None:
    offer, own = proposal(CLASSES[0], "green"), proposal(CLASSES[0], "blue", source="person")
    taken = Decided(proposal=own, decision="accepted", by="person", instead_of=offer)
    state = after(drafted(), Proposed(round=1, asked=False, proposals=(offer,)), taken)
    assert state.offers == ()
    assert advance(state, UNDO).offers == (offer,)


def test_the_first_journals_took_back_the_last_accepted_proposal() -> None:
    first, second = proposal(CLASSES[0], "green"), proposal(CLASSES[1], "green")
    rejected = Decided(proposal=second, decision="rejected", by="person")
    proposed = Proposed(round=1, asked=False, proposals=(first, second))
    state = after(drafted(), proposed, accepted(first), rejected, Undone())
    assert state.system == DRAFT
    assert state.decisions == (rejected,)
    assert state.offers == (first,)


def test_a_return_to_a_version_is_a_step_that_can_be_undone() -> None:
    state = after(
        drafted(), measured(1, "0"), accepted(proposal(CLASSES[0], "green")), measured(2, "1")
    )
    back = advance(state, Reverted(version=1))
    assert back.system == DRAFT
    assert back.steps[-1].back_to == 1
    assert advance(back, UNDO).system == state.system
    with pytest.raises(ValueError, match="no version 3"):
        advance(state, Reverted(version=3))


def test_another_scoring_can_be_undone_and_done_again() -> None:
    before = after(drafted())
    scoring = Scoring(rule="log", weights={"It is {}.": 2.0})
    state = advance(before, Rescored(scoring=scoring))
    assert (before.scoring, state.scoring) == (Scoring(), scoring)
    undone = advance(state, Undone(of="last"))
    assert undone.scoring == Scoring()
    assert advance(undone, Redone()).scoring == scoring


def test_names_of_renamed_classes_and_locks_on_them_follow() -> None:
    first, last = CLASSES[0], CLASSES[2]
    edits = (
        RenameClass(class_name=first, to="between"),
        RenameClass(class_name=last, to=first),
        RenameClass(class_name="between", to=last),
        RenameGroup(group="colour", to="hue"),
    )
    swap = Proposal(edits=edits, source="person")
    locks = [Lock(class_name=first), Lock(class_name=last, group="colour")]
    state = after(drafted(), *(Locked(lock=lock) for lock in locks), accepted(swap))
    assert state.steps[-1].names.classes == {first: last, last: first}
    assert state.steps[-1].names.groups == {"colour": "hue"}
    assert state.locks == (Lock(class_name=last), Lock(class_name=first, group="hue"))
    assert advance(state, UNDO).locks == tuple(locks)


def test_an_undone_offer_is_pending_again_but_a_persons_own_edit_is_not() -> None:
    offer = proposal(CLASSES[0], "green")
    own = proposal(CLASSES[1], "green", source="person")
    proposed = Proposed(round=1, asked=False, proposals=(offer,))
    state = after(drafted(), proposed, accepted(offer))
    assert state.offers == ()
    assert advance(state, Undone()).offers == (offer,)
    state = after(drafted(), proposed, accepted(own), Undone())
    assert state.offers == (offer,)


def test_a_decision_settles_an_offer_and_a_rejection_is_remembered() -> None:
    offers = tuple(proposal(CLASSES[0], option) for option in ("green", "blue"))
    state = after(
        drafted(),
        Proposed(round=1, asked=False, proposals=offers),
        Decided(proposal=offers[0], decision="rejected", by="person", reason="no"),
    )
    assert state.offers == offers[1:]
    assert state.rejected == {offers[0].key}
    assert state.system == DRAFT


def test_best_is_the_highest_held_out_count_and_of_equals_the_earlier() -> None:
    first = accepted(proposal(CLASSES[0], "green"))
    second = accepted(proposal(CLASSES[1], "green"))
    state = after(drafted(), measured(1, "0110"), first, measured(2, "1010"))
    assert state.best == 1
    state = advance(advance(state, second), measured(3, "1110"))
    assert state.best == 3
    assert [version.number for version in state.versions] == [1, 2, 3]
    assert state.versions[0].system == DRAFT


def test_notes_wait_until_the_model_was_asked() -> None:
    state = after(drafted(), Noted(text="look at the horns"))
    silent = advance(state, Proposed(round=1, asked=False, proposals=()))
    assert silent.notes == ("look at the horns",)
    asked = advance(state, Proposed(round=1, asked=True, proposals=()))
    assert (asked.notes, asked.told) == ((), ("look at the horns",))
    again = advance(
        advance(asked, Noted(text="and tails")), Proposed(round=2, asked=True, proposals=())
    )
    assert again.told == ("look at the horns", "and tails")


def test_measuring_again_replaces_marks_and_finds_the_best_anew() -> None:
    state = after(
        drafted(),
        measured(1, "110"),
        accepted(proposal(CLASSES[0], "green")),
        measured(2, "100"),
        measured(1, "0000"),
        measured(2, "1000"),
    )
    assert len(state.versions) == 2
    assert state.best == 2
    assert state.versions[0].system == DRAFT
    assert rule(state.versions[1].system, CLASSES[0], "colour") == "green"


def test_looks_at_held_out_images_are_counted() -> None:
    state = after(drafted())
    assert state.held_out_looks == 0
    state = advance(advance(state, measured(1, "110")), measured(2, "100"))
    assert [version.look for version in state.versions] == [1, 2]
    # The same version on the same images shows nothing new; other images do.
    assert advance(state, measured(1, "110")).held_out_looks == 2
    others = Measured(version=1, images="y", review="", held_out="1100")
    state = advance(state, others)
    assert [version.look for version in state.versions] == [3, 2]
    assert state.held_out_looks == 3
    none = Measured(version=2, images="z", review="1", held_out="")
    assert advance(state, none).held_out_looks == 3


def test_what_was_seen_before_is_no_new_look() -> None:
    state = after(drafted(), measured(1, "110"))
    by_log = Measured(version=1, images="by log", review="", held_out="100")
    state = advance(advance(state, by_log), measured(1, "110"))
    # As before the scoring was changed and changed back: so the chance to err is what it was.
    assert ([version.look for version in state.versions], state.held_out_looks) == ([1], 2)
    tried = RulesTried(version=1, images="held-out", rules=7)
    state = advance(state, tried)
    assert state.held_out_looks == 9
    assert advance(state, tried) == state
    assert advance(state, measured(2, "111")).versions[-1].look == 10


def test_looks_at_the_final_images_are_counted() -> None:
    state = after(drafted(), measured(1, "1"))
    state = advance(state, Exported(path="a", version=1, final=None))
    assert state.final_looks == 0
    state = advance(state, Exported(path="a", version=1, images="x", final="10"))
    assert state.final_looks == 1
    # The same version on the same images shows nothing new; another one, or other images, do.
    state = advance(state, Exported(path="b", version=1, images="x", final="10"))
    assert (state.final_looks, state.final_exports) == (1, 2)
    state = advance(state, Exported(path="b", version=1, images="y", final="100"))
    state = advance(state, Exported(path="b", version=2, images="y", final="100"))
    assert state.final_looks == 3


def test_assignments_add_up() -> None:
    state = after(Assigned(splits={"a": "review"}), Assigned(splits={"b": "final"}))
    assert state.splits == {"a": "review", "b": "final"}
    assert begin(started()).splits == {}


@given(st.lists(st.booleans()))
def test_marks_round_trip(values: list[bool]) -> None:
    assert from_bits(correct_bits(np.array(values, dtype=bool))).tolist() == values


def test_a_run_of_an_optimiser_is_kept_and_changes_nothing_else() -> None:
    run = Optimised(optimiser="greedy", seed=0, measured=9, restarts=2, reason="done")
    before = after(drafted(), measured(1, "10"))
    state = advance(before, run)
    assert state.optimised == (run,)
    assert replace(state, optimised=()) == before


def test_locks_follow_a_renaming_back_to_a_version_before_it() -> None:
    first = CLASSES[0]
    renames = (RenameGroup(group="colour", to="hue"), RenameClass(class_name=first, to="A"))
    rule, group, form = Lock(class_name="A", group="hue"), Lock(group="hue"), Lock(group="form")
    state = after(
        drafted(),
        Measured(version=1, images="i", review="1", held_out="1"),
        accepted(Proposal(edits=renames, source="person")),
        *(Locked(lock=lock) for lock in (rule, group, form)),
    )
    back = advance(state, Reverted(version=1))
    assert back.locks == (Lock(class_name=first, group="colour"), Lock(group="colour"), form)
    assert advance(back, UNDO).locks == (rule, group, form)


def test_a_lock_on_what_a_version_lacks_does_not_go_over_to_another_thing_of_its_name() -> None:
    colour = DRAFT.group("colour")
    state = after(
        drafted(),
        Measured(version=1, images="i", review="1", held_out="1"),
        accepted(Proposal(edits=(RenameGroup(group="colour", to="hue"),), source="person")),
        accepted(Proposal(edits=(AddGroup(group=colour),), source="person")),
        Locked(lock=Lock(group="colour")),
    )
    assert advance(state, Reverted(version=1)).locks == ()
