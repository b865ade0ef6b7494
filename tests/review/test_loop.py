"""The round: what is measured, proposed, decided and recorded, in which order."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import takewhile
from typing import Literal

import numpy as np
import pytest
from numpy.typing import NDArray

from builder.edits.apply import apply
from builder.edits.locks import Lock
from builder.edits.model import AddGroup, DropGroup, Proposal, RenameClass, RenameOption, SetRule
from builder.errors import CotbuildError, LLMError
from builder.proposals.requests import DraftRequest, RevisionRequest
from builder.review.loop import Ended, Event, Recorded, StepFailed, Viewed, Working, run
from builder.review.view import (
    AcceptHelpful,
    Action,
    Ask,
    AutoReviewer,
    Decide,
    EndRound,
    Export,
    Limit,
    Note,
    Quit,
    Redo,
    RemoveLock,
    Rescore,
    Reviewer,
    SetLock,
    TryRules,
    Undo,
    View,
    look,
)
from builder.scoring.evaluator import Evaluator
from builder.session.export import export_file
from builder.session.records import (
    Decided,
    Drafted,
    Exported,
    Locked,
    Measured,
    Noted,
    Proposed,
    Record,
    RoundEnded,
    RulesTried,
    Undone,
)
from builder.session.state import State, correct_bits, fold
from builder.system.file import parse_system_file, write_system_file
from builder.system.model import AttributeGroup, AttributeSystem, Choice, Scoring
from tests.worlds import CLASSES, DRAFT, GOOD, encode, evaluator, started

CELEBI = CLASSES[2]
REPAIR = Proposal(
    edits=(SetRule(class_name=CELEBI, group="form", options=("a fish",)),), source="llm"
)
HARM = Proposal(
    edits=(SetRule(class_name=CLASSES[0], group="colour", options=("green",)),), source="llm"
)
UNFIT = Proposal(edits=(RenameOption(group="form", option="a tree", to="an oak"),), source="llm")


@dataclass
class ScriptedDrafter:
    """A drafter whose answers are fixed; what it was asked is kept."""

    answers: list[tuple[Proposal, ...] | BaseException] = field(default_factory=list)
    asked: list[RevisionRequest] = field(default_factory=list)
    drafts: list[DraftRequest] = field(default_factory=list)

    def draft(self, request: DraftRequest) -> AttributeSystem:
        self.drafts.append(request)
        return DRAFT

    def revise(self, request: RevisionRequest) -> tuple[Proposal, ...]:
        self.asked.append(request)
        answer = self.answers.pop(0) if self.answers else ()
        if isinstance(answer, BaseException):
            raise answer
        return answer


@dataclass
class ScriptedReviewer:
    """A person whose actions are fixed; the views it saw are kept."""

    actions: list[Action]
    views: list[View] = field(default_factory=list)
    name: Literal["person"] = "person"
    present: bool = True

    def next_action(self, view: View) -> Action:
        self.views.append(view)
        return self.actions.pop(0)


def events(
    reviewer: Reviewer,
    drafter: ScriptedDrafter | None = None,
    judge: Evaluator | None = None,
    before: Iterable[Record] = (),
    rounds: int | None = None,
) -> list[Event]:
    state = fold([started(), *before])
    return list(
        run(
            state,
            evaluator=judge,
            drafter=drafter,
            reviewer=reviewer,
            export_to="out.json",
            rounds=rounds,
        )
    )


def records(found: Sequence[Event]) -> list[Record]:
    return [event.record for event in found if isinstance(event, Recorded)]


def final_state(found: Sequence[Event]) -> State:
    assert isinstance(found[-1], Ended)
    return found[-1].state


def kinds(found: Sequence[Event]) -> list[str]:
    return [record.kind for record in records(found)]


DRAFTED = Drafted(system=DRAFT, source="test")


def test_automatic_rounds_repair_the_draft_and_stop() -> None:
    found = events(AutoReviewer(), ScriptedDrafter([(HARM, REPAIR)]), evaluator())
    state = final_state(found)
    assert state.system == GOOD
    assert state.best_version is not None
    assert state.best_version.system == GOOD
    assert state.best_version.correct == 18
    assert state.versions[0].correct == 12
    decided = [record for record in records(found) if isinstance(record, Decided)]
    assert [(d.proposal.key, d.decision) for d in decided] == [
        (REPAIR.key, "accepted"),
        (HARM.key, "rejected"),
    ]
    effect = decided[0].effect
    assert effect is not None
    assert (effect.fixed, effect.broken, effect.n) == (6, 0, 18)
    assert found[-1] == Ended(state, "no new best on held-out images for 2 rounds")


def test_without_a_model_the_data_repairs_what_it_can() -> None:
    found = events(AutoReviewer(), None, evaluator(), before=[DRAFTED])
    state = final_state(found)
    assert state.system == GOOD
    (decided,) = [record for record in records(found) if isinstance(record, Decided)]
    assert decided.proposal.source == "data"
    assert "6 of 6 review images" in decided.proposal.reason


def test_every_record_is_told_before_the_next_question() -> None:
    reviewer = ScriptedReviewer([Decide(REPAIR, "accepted"), Note("wings"), Undo(), Quit()])
    told: list[Record] = []
    seen: list[int] = []
    state = fold([started(), DRAFTED])
    for event in run(
        state, evaluator=evaluator(), drafter=None, reviewer=reviewer, export_to="x", rounds=None
    ):
        if isinstance(event, Recorded):
            told.append(event.record)
            seen.append(len(reviewer.views))
            assert event.state == fold([started(), DRAFTED, *told])
    assert [record.kind for record in told] == [
        "measured",
        "proposed",
        "decided",
        "noted",
        "undone",
    ]
    # The decision that view number k led to is told before view k + 1 is shown.
    assert seen == [0, 0, 1, 2, 3]
    assert isinstance(told[-1], Undone)


def test_each_proposal_is_measured_by_itself_and_best_comes_first() -> None:
    reviewer = ScriptedReviewer([Quit()])
    events(reviewer, ScriptedDrafter([(HARM, UNFIT, REPAIR)]), evaluator(), before=[DRAFTED])
    (view,) = reviewer.views
    nets = {offer.proposal.key: offer.effect.net for offer in view.offers if offer.effect}
    assert nets[REPAIR.key] == 6
    assert nets[HARM.key] < 0
    assert view.offers[0].proposal.key == REPAIR.key
    assert view.unfit == 1
    # The model's three, and the data's own two: no image sees green, which no rule names, and all
    # classes agree on the form.
    assert view.state.offered == 5
    assert UNFIT.key not in nets


def test_a_proposal_of_both_model_and_data_is_offered_once() -> None:
    reviewer = ScriptedReviewer([Quit()])
    events(reviewer, ScriptedDrafter([(REPAIR, REPAIR)]), evaluator(), before=[DRAFTED])
    (view,) = reviewer.views
    assert [offer.proposal.key for offer in view.offers].count(REPAIR.key) == 1


def test_notes_hold_for_the_whole_session_and_locks_are_told() -> None:
    drafter = ScriptedDrafter()
    lock = Lock(class_name=CELEBI, group="form")
    reviewer = ScriptedReviewer([Note("horns"), SetLock(lock), Ask(), Note("tails"), Ask(), Quit()])
    events(reviewer, drafter, evaluator(), before=[DRAFTED])
    assert [request.notes for request in drafter.asked] == [(), ("horns",), ("tails",)]
    assert drafter.asked[2].earlier_notes == ("horns",)
    assert drafter.asked[2].locks == (f"rule {CELEBI} · form",)


def test_what_was_rejected_is_not_offered_again_and_the_model_is_told() -> None:
    drafter = ScriptedDrafter([(HARM,), (HARM, REPAIR)])
    reviewer = ScriptedReviewer(
        [Decide(HARM, "rejected", "it is red"), Note("look at tails"), EndRound(), Quit()]
    )
    found = events(reviewer, drafter, evaluator(), before=[DRAFTED])
    second = [record for record in records(found) if isinstance(record, Proposed)][1]
    assert HARM.key not in {proposal.key for proposal in second.proposals}
    (past,) = drafter.asked[1].past
    assert past.decision == "rejected"
    assert past.reason == "it is red"
    assert "pp" in past.effect
    assert drafter.asked[1].notes == ("look at tails",)
    assert drafter.asked[0].notes == ()


def test_the_model_is_told_of_review_images_only() -> None:
    drafter = ScriptedDrafter()
    judge = evaluator()
    events(ScriptedReviewer([Quit()]), drafter, judge, before=[DRAFTED])
    (request,) = drafter.asked
    assert len(request.confusions) == 1
    assert "6" in request.confusions[0]
    assert CELEBI in request.confusions[0]
    assert request.classes == CLASSES
    (seen,) = request.seen
    assert (seen.class_name, seen.group, seen.n) == (CELEBI, "form", 6)
    assert seen.chosen == (("a fish", 6),)


def test_accepting_all_that_help_measures_each_on_top_of_the_last() -> None:
    again = Proposal(edits=REPAIR.edits, source="llm", reason="the same in other words")
    reviewer = ScriptedReviewer([AcceptHelpful(), Quit()])
    found = events(
        reviewer, ScriptedDrafter([(REPAIR, HARM, again)]), evaluator(), before=[DRAFTED]
    )
    accepted = [record for record in records(found) if isinstance(record, Decided)]
    assert len(accepted) == 1
    assert final_state(found).system == GOOD


def test_a_round_without_changes_is_not_measured_again() -> None:
    reviewer = ScriptedReviewer([EndRound(), EndRound(), Quit()])
    found = events(reviewer, None, evaluator(), before=[DRAFTED])
    assert kinds(found).count("measured") == 1
    assert kinds(found).count("round_ended") == 2
    assert final_state(found).rounds_without_gain == 2
    assert "2 rounds" in (reviewer.views[-1].stop or "")


def test_export_measures_what_is_not_measured_and_looks_at_final_once() -> None:
    reviewer = ScriptedReviewer([Decide(REPAIR, "accepted"), Export(), Quit()])
    found = events(reviewer, ScriptedDrafter([(REPAIR,)]), evaluator(), before=[DRAFTED])
    assert kinds(found)[-2:] == ["measured", "exported"]
    exported = records(found)[-1]
    assert isinstance(exported, Exported)
    images = evaluator().final_images
    assert exported == Exported(path="out.json", version=2, images=images, final="1" * 9)


def test_without_images_there_is_drafting_and_editing_but_no_score() -> None:
    drafter = ScriptedDrafter([(REPAIR,)])
    reviewer = ScriptedReviewer([Note("more"), Ask(), Decide(REPAIR, "accepted"), Export(), Quit()])
    found = events(reviewer, drafter)
    assert drafter.drafts[0].classes == tuple((name, "") for name in CLASSES)
    assert kinds(found) == ["drafted", "proposed", "noted", "proposed", "decided", "exported"]
    assert all(view.findings is None for view in reviewer.views)
    assert final_state(found).system == GOOD
    assert reviewer.views[2].offers[0].effect is None


def test_automatic_without_images_ends_with_the_draft() -> None:
    found = events(AutoReviewer(), ScriptedDrafter())
    assert final_state(found).system == DRAFT
    assert kinds(found) == ["drafted", "proposed"]


def test_a_failing_model_ends_an_automatic_session_but_not_a_persons() -> None:
    failure = LLMError("the endpoint is down")
    reviewer = ScriptedReviewer([Quit()])
    found = events(reviewer, ScriptedDrafter([failure]), evaluator(), before=[DRAFTED])
    assert [event.error for event in found if isinstance(event, StepFailed)] == [failure]
    assert any(isinstance(event, Viewed) for event in found)
    with pytest.raises(LLMError):
        events(AutoReviewer(), ScriptedDrafter([failure]), evaluator(), before=[DRAFTED])


def test_ctrl_c_while_asking_stops_the_step_only() -> None:
    reviewer = ScriptedReviewer([Ask(), Quit()])
    drafter = ScriptedDrafter([KeyboardInterrupt(), (REPAIR,)])
    found = events(reviewer, drafter, evaluator(), before=[DRAFTED, Noted(text="kept")])
    assert [event.error for event in found if isinstance(event, StepFailed)] == [None]
    assert drafter.asked[1].notes == ("kept",)


@dataclass
class Interrupting:
    """An encoder at which the person presses Ctrl-C once, when it reads a text of `words`."""

    words: str
    presses: int = 1

    def __call__(self, texts: Sequence[str]) -> NDArray[np.float32]:
        if self.presses and any(self.words in text for text in texts):
            self.presses -= 1
            raise KeyboardInterrupt
        return encode(texts)


def judge_interrupted_at(words: str) -> Evaluator:
    return replace(evaluator(), encode=Interrupting(words))


def test_ctrl_c_while_measuring_the_draft_brings_the_menu_and_asks_nothing() -> None:
    drafter = ScriptedDrafter([(REPAIR,)])
    reviewer = ScriptedReviewer([EndRound(), Quit()])
    judge = judge_interrupted_at("a bird")
    found = events(reviewer, drafter, judge, before=[DRAFTED])
    assert [(e.what, e.error) for e in found if isinstance(e, StepFailed)] == [
        ("measuring on held-out images", None)
    ]
    assert [view.stopped for view in reviewer.views] == [True, False]
    # What the data suggests needs no waiting, and is on the table.
    assert reviewer.views[0].offers
    # The end of the round measures what was not measured; then the model is asked.
    assert kinds(found) == ["proposed", "round_ended", "measured", "proposed"]
    assert len(drafter.asked) == 1


def test_a_round_whose_measuring_was_stopped_is_not_over() -> None:
    rename = Proposal(
        edits=(RenameOption(group="colour", option="green", to="moss"),), source="person"
    )
    reviewer = ScriptedReviewer([Decide(rename, "accepted"), EndRound(), EndRound(), Quit()])
    judge = evaluator()
    encoder = Interrupting("moss", presses=0)
    found = []
    run_of = run(
        fold([started(), DRAFTED]),
        evaluator=replace(judge, encode=encoder),
        drafter=None,
        reviewer=reviewer,
        export_to="x",
    )
    for event in run_of:
        found.append(event)
        if isinstance(event, Working) and "held-out" in event.what and len(reviewer.views) == 2:
            encoder.presses = 1
    assert kinds(found) == [
        "measured",
        "proposed",
        "decided",
        "round_ended",
        "measured",
        "proposed",
    ]
    assert [view.stopped for view in reviewer.views] == [False, False, True, False]
    assert reviewer.views[2].state == reviewer.views[1].state


def test_ctrl_c_while_proposals_are_measured_shows_them_unmeasured() -> None:
    rename = Proposal(
        edits=(RenameOption(group="form", option="a fish", to="an eel"),), source="llm"
    )
    reviewer = ScriptedReviewer([Quit()])
    judge = judge_interrupted_at("an eel")
    found = events(reviewer, ScriptedDrafter([(rename,)]), judge, before=[DRAFTED])
    (view,) = reviewer.views
    assert view.stopped
    assert [offer.effect for offer in view.offers] == [None] * len(view.offers)
    assert rename.key in {offer.proposal.key for offer in view.offers}
    assert isinstance(found[-1], Ended)


def test_without_somebody_to_go_on_ctrl_c_ends_the_run() -> None:
    with pytest.raises(KeyboardInterrupt):
        events(AutoReviewer(), None, judge_interrupted_at("a bird"), before=[DRAFTED])


def test_undo_and_redo_of_every_decision() -> None:
    reviewer = ScriptedReviewer(
        [Decide(HARM, "rejected", "red"), Undo(), Redo(), Undo(), Decide(HARM, "skipped"), Quit()]
    )
    found = events(reviewer, ScriptedDrafter([(HARM, REPAIR)]), evaluator(), before=[DRAFTED])
    offered = [HARM.key in {o.proposal.key for o in view.offers} for view in reviewer.views]
    assert offered == [True, False, True, False, True, False]
    assert kinds(found)[-5:] == ["decided", "undone", "redone", "undone", "decided"]


def test_what_is_locked_is_not_offered_and_the_person_alone_changes_it() -> None:
    lock = Lock(class_name=CELEBI, group="form")
    own = REPAIR.model_copy(update={"source": "person"})
    reviewer = ScriptedReviewer(
        [SetLock(lock), Decide(own, "accepted"), Undo(), RemoveLock(lock), Quit()]
    )
    events(reviewer, ScriptedDrafter([(REPAIR, HARM)]), evaluator(), before=[DRAFTED])
    offered = [REPAIR.key in {o.proposal.key for o in view.offers} for view in reviewer.views]
    assert offered == [True, False, False, False, True]
    # The data wants to drop the group, which would change the locked rule as well.
    assert [view.locked for view in reviewer.views] == [0, 2, 1, 2, 0]
    assert reviewer.views[2].system == GOOD


def test_what_was_skipped_comes_back_in_the_next_round_not_in_this_one() -> None:
    reviewer = ScriptedReviewer([Decide(HARM, "skipped"), Ask(), EndRound(), Quit()])
    drafter = ScriptedDrafter([(HARM,), (HARM,), (HARM,)])
    events(reviewer, drafter, evaluator(), before=[DRAFTED])
    offered = [HARM.key in {o.proposal.key for o in view.offers} for view in reviewer.views]
    assert offered == [True, False, False, True]


def test_all_that_help_are_accepted_in_one_go() -> None:
    again = Proposal(
        edits=(SetRule(class_name=CLASSES[0], group="form", options=()),), source="llm"
    )
    reviewer = ScriptedReviewer([Decide(HARM, "accepted"), AcceptHelpful(), Undo(), Quit()])
    found = events(
        reviewer, ScriptedDrafter([(REPAIR, again, HARM)]), evaluator(), before=[DRAFTED]
    )
    decided = [record for record in records(found) if isinstance(record, Decided)]
    assert [each.together for each in decided] == [False, False, *[True] * (len(decided) - 2)]
    assert len(decided) > 2
    assert reviewer.views[3].system == reviewer.views[1].system


def test_the_first_rules_of_a_class_come_before_what_helps_more() -> None:
    # The colour of Absol is wrong, and nothing at all is known of Celebi.
    rules: dict[str, dict[str, Choice]] = {CELEBI: {}, CLASSES[0]: {"colour": ("green",)}}
    drafted = Drafted(system=DRAFT.with_rules(rules), source="test")
    useless, mending = (
        Proposal(
            edits=(SetRule(class_name=name, group="colour", options=(colour,)),), source="person"
        )
        for name, colour in ((CELEBI, "green"), (CLASSES[0], "red"))
    )
    offers = Proposed(round=1, asked=True, proposals=(mending, useless))
    reviewer = ScriptedReviewer([AcceptHelpful(), Quit()])
    found = events(reviewer, None, evaluator(), before=[drafted, offers])
    first, second = reviewer.views[0].offers
    assert (first.proposal, second.proposal) == (useless, mending)
    assert first.effect and second.effect and first.effect.net <= 0 < second.effect.net
    # What does not help stops nothing that does.
    decided = [record for record in records(found) if isinstance(record, Decided)]
    assert [each.proposal for each in decided] == [mending]


def test_a_class_without_rules_gets_them_from_its_images() -> None:
    drafted = Drafted(system=DRAFT.with_rules({CELEBI: {}}), source="test")
    found = events(AutoReviewer(), None, evaluator(), before=[drafted])
    proposed = next(record for record in records(found) if isinstance(record, Proposed))
    assert proposed.proposals[0].edits == (
        SetRule(class_name=CELEBI, group="colour", options=("blue",)),
        SetRule(class_name=CELEBI, group="form", options=("a fish",)),
    )
    system = final_state(found).system
    assert system is not None and system.without_rules == ()


def test_a_group_without_which_more_are_right_is_proposed_to_go() -> None:
    noise = AddGroup(
        group=AttributeGroup(name="noise", prompt="It is {}.", options=("red", "blue", "green")),
        rules={CLASSES[0]: ("blue",), CLASSES[1]: ("red",), CELEBI: ("red",)},
    )
    worse = Drafted(system=apply(GOOD, (noise,)), source="test")
    reviewer = ScriptedReviewer([Quit()])
    events(reviewer, None, evaluator(), before=[worse])
    drop = DropGroup(group="noise")
    (offer,) = (o for o in reviewer.views[0].offers if o.proposal.edits == (drop,))
    assert offer.effect is not None
    assert offer.effect.net > 0
    change = f"{offer.effect.fixed} fixed, {offer.effect.broken} broken"
    assert offer.proposal.reason == f"more review images are correct without it ({change})"


def test_an_automatic_session_keeps_locks() -> None:
    locked = Locked(lock=Lock(group="form"))
    found = events(
        AutoReviewer(), ScriptedDrafter([(REPAIR,)]), evaluator(), before=[DRAFTED, locked]
    )
    state = final_state(found)
    assert state.system is not None
    column = [rules["form"] for rules in state.system.rules.values()]
    assert column == [rules["form"] for rules in DRAFT.rules.values()]


def test_effects_are_known_alone_and_on_top_of_what_was_accepted() -> None:
    reviewer = ScriptedReviewer([Decide(HARM, "accepted"), Quit()])
    events(reviewer, ScriptedDrafter([(REPAIR, HARM)]), evaluator(), before=[DRAFTED])
    before, after = (
        next(o for o in view.offers if o.proposal.key == REPAIR.key) for view in reviewer.views
    )
    assert before.alone is None
    assert after.alone == before.effect


def test_two_proposals_that_lead_to_the_same_system_are_one() -> None:
    other = RenameOption(group="colour", option="green", to="moss")
    both = [Proposal(edits=edits, source="llm") for edits in (
        (*REPAIR.edits, other), (other, *REPAIR.edits))]  # fmt: skip
    reviewer = ScriptedReviewer([Quit()])
    events(reviewer, ScriptedDrafter([tuple(both)]), evaluator(), before=[DRAFTED])
    keys = {offer.proposal.key for offer in reviewer.views[0].offers}
    assert both[0].key in keys
    assert both[1].key not in keys


def test_images_follow_a_class_that_is_renamed() -> None:
    rename = Proposal(edits=(RenameClass(class_name=CELEBI, to="Celebi"),), source="person")
    reviewer = ScriptedReviewer(
        [Decide(rename, "accepted"), Decide(REPAIR, "skipped"), EndRound(), Quit()]
    )
    found = events(reviewer, ScriptedDrafter([(REPAIR,)]), evaluator(), before=[DRAFTED])
    (effect,) = [r.effect for r in records(found) if isinstance(r, Decided) and r.effect][:1]
    assert (effect.fixed, effect.broken) == (0, 0)
    first, second = (record for record in records(found) if isinstance(record, Measured))
    assert first.held_out == second.held_out
    assert first.images == second.images


def test_final_images_follow_a_class_that_is_renamed() -> None:
    rename = Proposal(edits=(RenameClass(class_name=CELEBI, to="Celebi"),), source="person")
    reviewer = ScriptedReviewer(
        [Decide(REPAIR, "accepted"), Decide(rename, "accepted"), Export(), Quit()]
    )
    found = events(reviewer, ScriptedDrafter([(REPAIR,)]), evaluator(), before=[DRAFTED])
    exported = records(found)[-1]
    assert isinstance(exported, Exported)
    assert (exported.version, exported.final) == (2, "1" * 9)


def test_resuming_in_the_middle_of_a_round_shows_the_same_offers_without_asking() -> None:
    first = ScriptedReviewer([Decide(HARM, "skipped"), Quit()])
    found = events(first, ScriptedDrafter([(HARM, REPAIR)]), evaluator(), before=[DRAFTED])
    drafter = ScriptedDrafter()
    second = ScriptedReviewer([Quit()])
    events(second, drafter, evaluator(), before=[DRAFTED, *records(found)])
    assert drafter.asked == []
    assert second.views[0].offers == first.views[1].offers
    assert second.views[0].state == first.views[1].state


def test_resuming_amid_a_round_measures_nothing_that_the_person_has_not_ended() -> None:
    first = ScriptedReviewer([Decide(REPAIR, "accepted"), Quit()])
    found = events(first, ScriptedDrafter([(HARM, REPAIR)]), evaluator(), before=[DRAFTED])
    before = [DRAFTED, *records(found)]
    second = ScriptedReviewer([EndRound(), Quit()])
    again = events(second, ScriptedDrafter(), evaluator(), before)
    assert second.views[0].offers == first.views[1].offers
    assert kinds(again) == ["round_ended", "measured", "proposed"]
    # Nor what an automatic reviewer who takes over has not ended.
    taken_over = kinds(events(AutoReviewer(), ScriptedDrafter(), evaluator(), before))
    assert taken_over[: taken_over.index("measured")] == ["decided", "round_ended"]


def test_other_images_mean_that_all_versions_are_measured_again() -> None:
    first = events(
        ScriptedReviewer([Decide(REPAIR, "accepted"), EndRound(), Quit()]),
        ScriptedDrafter([(REPAIR,)]),
        evaluator(),
        before=[DRAFTED],
    )
    bigger = evaluator(per_class=8)
    found = events(ScriptedReviewer([Quit()]), None, bigger, before=[DRAFTED, *records(first)])
    measured = [record for record in records(found) if isinstance(record, Measured)]
    assert [(m.version, len(m.held_out), m.images) for m in measured] == [
        (1, 24, bigger.images),
        (2, 24, bigger.images),
    ]
    assert final_state(found).best == 2


def test_another_scoring_measures_all_versions_again_and_so_does_its_undo() -> None:
    """What is centred in the session is exported with the means of the exported system."""
    centred = Scoring(means=dict.fromkeys(GOOD.phrases(), 0.9), weights={"It is {}.": 2.0})
    actions = [Decide(REPAIR, "accepted"), EndRound(), Rescore(centred), Export(), Undo()]
    judge = evaluator()
    found = events(ScriptedReviewer([*actions, Quit()]), ScriptedDrafter([(REPAIR,)]), judge)
    made = [r for r in records(found) if isinstance(r, Measured)]
    state = final_state(found)
    assert [record.version for record in made] == [1, 2, 1, 2, 1, 2]
    rescored = replace(judge, scoring=Scoring(means={}, weights={"It is {}.": 2.0}))
    for first, again, back in zip(made[:2], made[2:4], made[4:], strict=True):
        assert back == first
        assert (first.images, again.images) == (judge.images, rescored.images)
        assert first.images != again.images
    for record, system in zip(made[2:4], (DRAFT, GOOD), strict=True):
        assert record.held_out == correct_bits(rescored.score(system, "held_out").correct)
    (export,) = [r for r in records(found) if isinstance(r, Exported)]
    assert export.final == correct_bits(rescored.score(GOOD, "final").correct)
    assert state.scoring == Scoring()

    until_undo = [started(), *takewhile(lambda r: not isinstance(r, Undone), records(found))]
    in_between = fold(until_undo)
    file = export_file(
        in_between,
        created="2026-01-01T00:00:00Z",
        cotbuild="0",
        encoder=None,
        labels={},
        calibration=None,
        baselines={},
        final=None,
        evaluator=judge,
    )
    assert file.scoring == rescored.scoring_of(GOOD)
    assert file.scoring.means is not None
    assert file.scoring.means.keys() == set(GOOD.phrases())
    assert all(mean < 0.8 for mean in file.scoring.means.values())
    assert parse_system_file(write_system_file(file)) == file


def test_other_scoring_rules_are_a_look_and_seen_once() -> None:
    judge = evaluator()
    actions = [TryRules(7), Rescore(Scoring(rule="log")), TryRules(7), Undo(), TryRules(7)]
    found = events(ScriptedReviewer([*actions, Quit()]), None, judge, before=[DRAFTED])
    state = final_state(found)
    tried = [r for r in records(found) if isinstance(r, RulesTried)]
    assert {(r.version, r.images, r.rules) for r in tried} == {(1, judge.held_out_images, 7)}
    # The draft, seven rules, and the draft by one of these, which the journal can't tell.
    assert state.held_out_looks == 9
    assert state.versions[0].look == 1


def test_rounds_end_an_automatic_session() -> None:
    before = [DRAFTED]
    found = events(
        AutoReviewer(), ScriptedDrafter([(HARM,), (HARM,)]), evaluator(), before, rounds=1
    )
    assert sum(isinstance(record, RoundEnded) for record in records(found)) == 1
    assert found[-1] == Ended(final_state(found), "round 1 was the last one asked for")


def test_no_draft_and_no_model_is_an_error() -> None:
    with pytest.raises(CotbuildError, match="nothing was drafted"):
        events(AutoReviewer(), None, evaluator())


def test_look_needs_a_draft() -> None:
    with pytest.raises(ValueError, match="nothing was drafted"):
        look(fold([started()]), None, can_ask=False, limit=Limit(2))


def test_a_round_that_had_nothing_left_proposes_again_when_there_is_a_model_to_ask() -> None:
    empty = Proposed(round=1, asked=False, proposals=())
    before = [DRAFTED, *records(events(ScriptedReviewer([Quit()]), None, evaluator(), [DRAFTED]))]
    silent = [record for record in before if not isinstance(record, Proposed)] + [empty]
    drafter = ScriptedDrafter([(REPAIR,)])
    found = events(AutoReviewer(), drafter, evaluator(), silent)
    assert final_state(found).system == GOOD
    # With a model that was asked already, or none at all, nothing is asked in vain.
    asked = [*silent[:-1], empty.model_copy(update={"asked": True})]
    for model in (ScriptedDrafter(), None):
        found = events(AutoReviewer(), model, evaluator(), asked)
        assert "nothing is left to propose" in found[-1].reason  # type: ignore[union-attr]
        assert kinds(found) == []


def test_other_images_bring_new_proposals_in_a_round_that_had_none() -> None:
    empty = Proposed(round=1, asked=True, proposals=())
    old = evaluator(per_class=4)
    before = [DRAFTED, *records(events(ScriptedReviewer([Quit()]), None, old, [DRAFTED]))]
    silent = [record for record in before if not isinstance(record, Proposed)] + [empty]
    found = events(AutoReviewer(), None, evaluator(per_class=8), silent)
    assert final_state(found).system == GOOD
