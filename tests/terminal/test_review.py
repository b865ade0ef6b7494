"""The conversation: sequences of answers, and the actions they lead to."""

import re
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from builder.edits.locks import Lock
from builder.edits.model import AddOption, Proposal, SetRule
from builder.review.loop import Recorded, run
from builder.review.view import (
    AcceptHelpful,
    Action,
    Ask,
    Decide,
    EndRound,
    Export,
    Note,
    Quit,
    Redo,
    RemoveLock,
    Rescore,
    SetLock,
    TryRules,
    Undo,
    View,
)
from builder.session.records import (
    Assigned,
    Decided,
    Locked,
    Measured,
    Record,
    Rescored,
    Reverted,
    RulesTried,
    Undone,
    Unlocked,
)
from builder.session.state import fold
from builder.system.model import Scoring
from builder.system.yaml_text import system_to_text
from builder.terminal.asker import InputEnded
from builder.terminal.edit_text import FILE
from builder.terminal.gallery import Pictures
from builder.terminal.review import TerminalReviewer
from builder.terminal.scoring_rules import rules_table
from tests.terminal import sample
from tests.terminal.scripted import BACK, ENTER, Scripted

HELPFUL, PURPLE, WHITE = sample.proposals()
DONE = Decided(proposal=HELPFUL, decision="accepted", by="person")
UNDONE = Undone(of="last")
TRIED = RulesTried(version=1, images=sample.evaluator().held_out_images, rules=7)


def words(text: str) -> str:
    """Without line breaks, which depend on the width."""
    return " ".join(text.split())


class Talk:
    """A reviewer with scripted answers, and what it showed."""

    def __init__(
        self,
        *answers: object,
        folder: Path | None = None,
        pictures: Pictures | None = None,
    ) -> None:
        self.asker = Scripted(*answers)
        self.console = Console(width=100, color_system=None, highlight=False, markup=False)
        self.reviewer = TerminalReviewer(self.asker, self.console, folder, pictures)

    def action(self, view: View) -> Action:
        with self.console.capture() as captured:
            action = self.reviewer.next_action(view)
        self.shown = captured.get()
        return action

    def interrupted(self, view: View) -> bool:
        with self.console.capture() as captured, pytest.raises(KeyboardInterrupt):
            self.reviewer.next_action(view)
        self.shown = captured.get()
        return not self.asker.answers


def action(view: View, *answers: object) -> Action:
    talk = Talk(*answers)
    result = talk.action(view)
    assert not talk.asker.answers, "an answer was left over"
    return result


def test_each_key_of_the_main_menu() -> None:
    view = sample.view([DONE])
    assert action(view, "q") == Quit()
    assert action(view, "u") == Undo()
    assert action(sample.view([DONE, UNDONE]), "y") == Redo()
    assert action(view, "l") == Ask()
    assert action(view, "x") == Export()
    assert action(view, "n", "look at the tails") == Note("look at the tails")
    assert action(view, "m", True) == EndRound()


def test_each_decision_on_a_proposal() -> None:
    view = sample.view([DONE])
    current = view.offers[0].proposal
    assert action(view, "p", "a") == Decide(current, "accepted")
    assert action(view, "p", "s") == Decide(current, "skipped")
    assert action(view, "p", "r") == Decide(current, "rejected")
    assert action(view, "p", "w", "ugly") == Decide(current, "rejected", "ugly")
    assert action(view, "p", "u") == Undo()
    assert action(sample.view([DONE, UNDONE]), "p", "y") == Redo()
    assert action(view, "p", "k", "g", "color") == SetLock(Lock(group="color"))
    assert action(view, "p", "q") == Quit()
    assert action(sample.view(), "p", "h") == AcceptHelpful()


def test_locking_a_group_a_class_or_a_rule_and_unlocking() -> None:
    view = sample.view()
    assert action(view, "k", "c", "Mew") == SetLock(Lock(class_name="Mew"))
    rule = Lock(class_name="Mew", group="color")
    assert action(view, "k", "r", "Mew", "color") == SetLock(rule)
    # Back from the group to the class, from there to the kind, and out.
    assert action(view, "k", "r", "Mew", BACK, BACK, BACK, "q") == Quit()
    locked = sample.view([Locked(lock=rule), Locked(lock=Lock(group="color"))])
    assert action(locked, "k", "u", "rule Mew · color") == RemoveLock(rule)
    assert action(locked, "k", "u", BACK, "r", "Mew", "color") == RemoveLock(rule)
    with pytest.raises(AssertionError, match="not on the menu"):
        action(view, "k", "u")


def test_undo_and_redo_say_what_they_would_do() -> None:
    for record, words in (
        (DONE, "accept"),
        (Decided(proposal=PURPLE, decision="rejected", by="person"), "reject"),
        (Decided(proposal=PURPLE, decision="skipped", by="person"), "skip"),
        (Locked(lock=Lock(group="color")), "lock"),
        (Unlocked(lock=Lock(group="color")), "unlock"),
        (Reverted(version=1), "return"),
    ):
        talk = Talk("q")
        talk.action(sample.view([record]))
        assert f"undo {words}" in talk.asker.labels
        talk = Talk("q")
        talk.action(sample.view([record, UNDONE]))
        assert f"redo {words}" in talk.asker.labels


def test_an_unfinished_text_of_the_system_is_told_until_it_is_applied(tmp_path: Path) -> None:
    view = sample.view()
    text = tmp_path / FILE
    text.write_text(system_to_text(view.system).replace("a desert", "a dune"), encoding="utf-8")
    talk = Talk("q", folder=tmp_path)
    talk.action(view)
    assert "unfinished" in talk.shown
    assert text.exists()
    text.write_text(system_to_text(view.system), encoding="utf-8")
    talk = Talk("q", folder=tmp_path)
    talk.action(view)
    assert "unfinished" not in talk.shown
    assert not text.exists()


class NoFiles:
    """Pictures whose files are gone: what is told of an image needs no file."""

    def name(self, digest: str) -> str:
        return f"{digest}.png"

    def open(self, digest: str) -> None:  # noqa: ARG002 - none is there
        return None


def test_the_images_behind_a_number_and_behind_a_proposal() -> None:
    talk = Talk("v", BACK, "p", "v", BACK, "a", pictures=NoFiles())
    assert talk.action(sample.view()) == Decide(HELPFUL, "accepted")
    assert "review-" in talk.shown
    for view, where in ((sample.view(), ()), (sample.view([DONE]), ("p",))):
        with pytest.raises(AssertionError, match="not on the menu"):
            action(view, *where, "v")
    with pytest.raises(AssertionError, match="not on the menu"):
        Talk("v", pictures=NoFiles()).action(sample.view_without_review_images())


def test_what_makes_no_sense_is_not_on_the_menu() -> None:
    for key in ("u", "y", "l", "n"):
        with pytest.raises(AssertionError, match="not on the menu"):
            action(sample.view(can_ask=False), key)
    with pytest.raises(AssertionError, match="not on the menu"):
        action(sample.view_without_images(), "c")
    with pytest.raises(AssertionError, match="not on the menu"):
        action(sample.view_without_images(), "p", "h")


def test_after_a_decision_the_next_proposal_comes_up() -> None:
    talk = Talk("p", "a", "s", "r", "q")
    talk.action(sample.view())
    assert "a desert -> a forest" in talk.shown
    records: list[Record] = [DONE]
    for decision in ("skipped", "rejected"):
        view = sample.view(records)
        assert view.offers[0].proposal == talk_proposal(talk, view)
        records.append(Decided(proposal=view.offers[0].proposal, decision=decision, by="person"))
    assert talk.action(sample.view(records)) == Quit()
    assert "No proposals are left." in talk.shown


def talk_proposal(talk: Talk, view: View) -> Proposal:
    decided = talk.action(view)
    assert isinstance(decided, Decide)
    return decided.proposal


def test_escape_goes_back_everywhere() -> None:
    view = sample.view()
    assert action(view, "p", BACK, "q") == Quit()
    assert action(view, "p", "w", BACK, BACK, "q") == Quit()
    assert action(view, "k", BACK, "q") == Quit()
    assert action(view, "p", "e", BACK, BACK, "q") == Quit()
    assert action(view, "n", BACK, "q") == Quit()
    assert action(view, "e", BACK, "q") == Quit()
    assert action(view, BACK, "q") == Quit()


def test_undecided_words_of_the_model_are_not_dropped_unasked() -> None:
    assert action(sample.view(), "m", False, "q") == Quit()
    assert action(sample.view(), "m", ENTER, "q") == Quit()
    assert action(sample.view(), "m", True) == EndRound()
    decided = [
        Decided(proposal=proposal, decision="skipped", by="person") for proposal in (PURPLE, WHITE)
    ]
    assert action(sample.view(decided), "m") == EndRound()


def test_the_final_images_are_not_looked_at_unasked() -> None:
    splits = Assigned(splits={"final-1": "final"})
    talk = Talk("x", False, "x", True)
    assert talk.action(sample.view([splits])) == Export()
    assert "untouched" in talk.shown


def test_tables_and_explanations_lead_to_no_action() -> None:
    talk = Talk("c", "g", "s", "?", "q")
    assert talk.action(sample.view()) == Quit()
    for words in ("Eevee", "as ruled", "What would fix it?", "exact McNemar", "42 of 48 images"):
        assert words in talk.shown


def test_every_key_of_the_main_menu_is_explained() -> None:
    done = [DONE, DONE.model_copy(update={"proposal": WHITE}), UNDONE]
    view = replace(sample.view(done), can_ask=True)
    talk = Talk("?", "q", pictures=NoFiles())
    talk.action(view)
    keys = {each.key for each in talk.asker.keys} - {"?"}
    assert {"o", "p", "u", "v"} <= keys
    explained = re.findall(r"^  ([a-z ]+): ", talk.shown, re.MULTILINE)
    assert keys <= {key for entry in explained for key in entry.split()}


def test_the_figures_of_a_proposal_are_explained_with_these_figures() -> None:
    own = Proposal(edits=PURPLE.edits, source="person")
    changed = Decided(proposal=own, decision="accepted", by="person", instead_of=WHITE)
    talk = Talk("p", "?", "q")
    talk.action(sample.view([changed]))
    words = " ".join(talk.shown.split())
    assert "of 48 review images, 8 that are wrong become right" in words
    assert "v shows these images" in words
    assert "best of 3 tried" in words
    assert "as it was when the round began" in words


def test_only_what_was_typed_during_a_slow_step_is_dropped() -> None:
    # The first menu follows the preparation, and "l" and "m" a step that takes a while.
    talk = Talk("l", "p", "s", "q")
    talk.action(sample.view())
    assert talk.asker.discarded == [0]
    talk.action(sample.view())
    assert talk.asker.discarded == [0, 1]
    assert talk.action(sample.view()) == Quit()
    assert talk.asker.discarded == [0, 1]
    measured = Talk("m", True, "q")
    measured.action(sample.view())
    measured.action(sample.view())
    assert measured.asker.discarded == [0, 2]


def test_a_note_needs_words() -> None:
    talk = Talk("n", "", "tails")
    assert talk.action(sample.view()) == Note("tails")
    assert "complaint: it needs some words" in talk.asker.asked


def test_ctrl_c_twice_leaves() -> None:
    talk = Talk(KeyboardInterrupt, KeyboardInterrupt)
    assert talk.interrupted(sample.view())
    assert "Press Ctrl-C again to leave; everything is saved." in talk.shown


def test_after_a_stopped_step_the_next_ctrl_c_leaves() -> None:
    stopped = replace(sample.view(), stopped=True)
    talk = Talk(KeyboardInterrupt)
    assert talk.interrupted(stopped)
    assert "Press Ctrl-C again to leave; everything is saved." in talk.shown
    # An answer in between starts the count anew.
    talk = Talk("c", KeyboardInterrupt, "q")
    assert talk.action(stopped) == Quit()


def test_ctrl_c_once_stops_the_step_only() -> None:
    view = sample.view()
    assert action(view, KeyboardInterrupt, "q") == Quit()
    assert action(view, "n", KeyboardInterrupt, "q") == Quit()
    assert action(view, "p", "w", KeyboardInterrupt, "a") == Decide(HELPFUL, "accepted")
    # An answer in between starts the count anew.
    assert action(view, KeyboardInterrupt, "c", KeyboardInterrupt, "q") == Quit()
    assert Talk("e", KeyboardInterrupt, KeyboardInterrupt).interrupted(view)


def test_the_end_of_the_input_leaves_in_order() -> None:
    assert action(sample.view(), InputEnded) == Quit()
    assert action(sample.view(), "p", "w", InputEnded) == Quit()


def test_an_edited_proposal_takes_the_place_of_the_first() -> None:
    view = sample.view()
    talk = Talk("p", "e", "w", "o", "space", "m", True)
    edited = talk.action(view)
    assert edited == Decide(
        Proposal(
            edits=(SetRule(class_name="Mew", group="background", options=("space",)),),
            source="person",
        ),
        "accepted",
        instead_of=HELPFUL,
    )


def test_accepted_as_it_was_after_all() -> None:
    talk = Talk("p", "e", "m", True, "q")
    decided = talk.action(sample.view())
    assert decided == Decide(HELPFUL, "accepted")
    assert talk.action(sample.view([DONE])) == Quit()


def test_a_whole_session_through_the_loop() -> None:
    """Real records come out of a scripted conversation, each before the next question."""
    talk = Talk(
        "p", "a", "w", "no", "s", BACK, "u", "u", "u", "y", "u", "p", "h", BACK,
        "e", "r", "Mew", "color", "o", "white", True, "u", "q",
    )  # fmt: skip
    state = fold(sample.records())
    kinds = []
    with talk.console.capture():
        for event in run(
            state,
            evaluator=sample.evaluator(),
            drafter=None,
            reviewer=talk.reviewer,
            export_to="unused.json",
        ):
            if isinstance(event, Recorded):
                kinds.append(getattr(event.record, "decision", event.record.kind))
                state = event.state
    assert kinds == [
        *("accepted", "rejected", "skipped", "undone", "undone", "undone", "redone"),
        *("undone", "accepted", "accepted", "undone"),
    ]
    assert state.system is not None
    assert state.system.rules["Mew"] == {"color": ("pink",), "background": ("a forest",)}
    assert not talk.asker.answers


def test_keeping_only_some_edits_and_renaming_an_option() -> None:
    view = sample.view([DONE, Decided(proposal=WHITE, decision="skipped", by="person")])
    assert [offer.proposal for offer in view.offers] == [PURPLE]
    lines = ('1. color: new option "purple"', "2. Eevee · color: pink -> purple")
    kept = action(view, "p", "e", "k", lines[:1], "m", True)
    assert isinstance(kept, Decide)
    assert kept.proposal.edits == PURPLE.edits[:1]
    assert kept.proposal.reason == PURPLE.reason
    renamed = action(view, "p", "e", "w", lines[0], "lilac", "m", True)
    assert isinstance(renamed, Decide)
    assert renamed.proposal.edits == (
        AddOption(group="color", option="lilac"),
        SetRule(class_name="Eevee", group="color", options=("lilac",)),
    )
    assert renamed.proposal.reason == ""


# --- Scoring rules ----------------------------------------------------------------------------


def test_the_rules_are_shown_side_by_side_and_one_is_chosen() -> None:
    asked, view = sample.view(), sample.view([TRIED])
    trials = view.try_rules()
    talk = Talk("o", True, "sum, centred")
    assert talk.action(asked) == TryRules(7)
    # Before the look is in the journal nothing of it is shown.
    assert "robust-log" not in talk.shown
    action = talk.action(view)
    (centred,) = [trial for trial in trials if trial.name == "centred"]
    assert action == Rescore(centred.scoring)
    assert centred.scoring.fitted is not None
    assert centred.scoring.fitted.images == view.findings.review.n  # type: ignore[union-attr]
    shown = " ".join(talk.shown.split())
    assert f"in use: sum {trials[0].correct.sum()} of {len(trials[0].correct)}" in shown
    for words in ("robust-log", "sum, weighted", "7 rules were compared", "Version 1, fitted on"):
        assert words in shown


@pytest.mark.parametrize("answer", ["keep sum", BACK])
def test_the_rule_in_use_may_be_kept(answer: str | None) -> None:
    assert Talk("o", answer, "q").action(sample.view([TRIED])) == Quit()


@pytest.mark.parametrize("answer", [False, BACK, ENTER])
def test_held_out_images_are_not_looked_at_unasked(answer: object) -> None:
    assert Talk("o", answer, "q").action(sample.view()) == Quit()


def test_what_looks_at_other_rules_cost_is_said_before() -> None:
    talk = Talk("o", ENTER, "q")
    talk.action(sample.view())
    assert words(talk.shown) == (
        "This shows held-out images 7 more times, each of them a look. To be confirmed, the next "
        "version would then need p < 0.0014 instead of 0.05."
    )
    # A second version was a look, too, and was not seen by the other rules yet.
    state = sample.view([TRIED, DONE]).state
    second = sample.all_measured()(state)
    talk.asker.answers = ["o", ENTER, "q"]
    talk.action(sample.view([TRIED, DONE, second]))
    assert "would then need p < 0.00037 instead of 0.0011." in words(talk.shown)


def test_what_was_seen_of_a_version_costs_no_more_looks() -> None:
    talk = Talk("o", BACK, "q")
    talk.action(sample.view([TRIED]))
    assert "a look" not in words(talk.shown)
    assert talk.asker.asked[1] == "Score by which rule from here on?"


def test_without_held_out_images_there_is_nothing_to_compare_rules_on() -> None:
    view = sample.view([Measured(version=1, images="others", review="1", held_out="")])
    assert view.try_rules() == ()
    talk = Talk("q")
    talk.action(view)
    assert "scoring rules" not in talk.asker.labels


def test_choosing_a_rule_is_left_by_ctrl_c() -> None:
    talk = Talk("o", True, KeyboardInterrupt, "q")
    assert talk.action(sample.view()) == TryRules(7)
    assert talk.action(sample.view([TRIED])) == Quit()


def test_what_is_undone_of_the_scoring_is_named() -> None:
    talk = Talk("q")
    talk.action(sample.view([Rescored(scoring=Scoring(rule="log"))]))
    assert "undo scoring rule" in talk.asker.labels


@pytest.mark.parametrize("width", [40, 80])
def test_the_table_of_rules_fits_the_screen(width: int) -> None:
    console = Console(width=width, color_system=None)
    with console.capture() as captured:
        console.print(rules_table(sample.view().try_rules(), about="Some."))
    assert all(len(line.rstrip()) <= width for line in captured.get().splitlines())
    assert "fixed" in captured.get()
