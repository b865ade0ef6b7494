"""The conversation with a person: shows, asks, and returns one action after the other.

Each decision is returned at once, so that it is recorded before the next question.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from rich.console import Console
from rich.text import Text

from builder.edits.model import Proposal
from builder.review import view as review
from builder.review.view import Action, Decide, View
from builder.scoring.wording import counted
from builder.session.records import Act, Decided, Locked, Noted, Rescored, Reverted, Unlocked
from builder.session.state import State
from builder.terminal import rounds
from builder.terminal.adjusting import adjust
from builder.terminal.asker import Asker, InputEnded, Key
from builder.terminal.diagnosis_tables import class_table, group_block
from builder.terminal.edit_questions import unlike
from builder.terminal.edit_text import unfinished_text
from builder.terminal.editing import edit_by_hand
from builder.terminal.events import summary
from builder.terminal.gallery import Pictures, view_images
from builder.terminal.help import explanation, offer_explanation
from builder.terminal.locks import lock_or_unlock
from builder.terminal.menu import behind
from builder.terminal.scoring_rules import choose_rule

# What an answer leads to: an action, or None where nothing is to be done with it yet.
Step = Callable[[], Action | None]
Menu = dict[Key, Step]
_NAMES: dict[type[Act], str] = {
    Noted: "note",
    Locked: "lock",
    Unlocked: "unlock",
    Rescored: "scoring rule",
    Reverted: "return",
}


@dataclass(slots=True)
class TerminalReviewer:
    """A person at a terminal. What they are in the midst of lives from one action to the next.

    `folder`: where a text of the whole system is kept while it is edited.
    """

    asker: Asker
    console: Console
    folder: Path | None = None
    pictures: Pictures | None = None
    name: Literal["person"] = field(default="person", init=False)
    present: bool = field(default=True, init=False)
    # Going through the proposals, rather than at the main menu.
    _going_through: bool = field(default=False, init=False)
    # About to choose a scoring rule, whose look at held-out images is in the journal by now.
    _choosing_rule: bool = field(default=False, init=False)
    # Ctrl-C was pressed, and no menu was answered since.
    _stopping: bool = field(default=False, init=False)
    # A step that took a while came before this action: keys pressed meanwhile meant no menu.
    _waited: bool = field(default=True, init=False)

    def next_action(self, view: View) -> Action:
        """The person's next decision. Raises KeyboardInterrupt at the second Ctrl-C in a row."""
        if view.stopped:
            self._stopping = True
            self._say("Press Ctrl-C again to leave; everything is saved.")
        if self._waited:
            self.asker.discard_typed()
        while True:
            try:
                action = self._step(view)
            except InputEnded:
                return review.Quit()
            except KeyboardInterrupt:
                if self._stopping:
                    raise
                self._stopping = True
                self._say("Press Ctrl-C again to leave; everything is saved.")
            else:
                if action is not None:
                    self._waited = isinstance(action, review.Ask | review.EndRound)
                    return action

    def _step(self, view: View) -> Action | None:
        """One answer from where the person is; None when it leads to no action yet."""
        if self._choosing_rule:
            return self._choose_rule(view)
        return self._proposal(view) if self._going_through else self._main_menu(view)

    # --- The main menu ------------------------------------------------------------------------

    def _main_menu(self, view: View) -> Action | None:
        if self.folder and unfinished_text(self.folder, view.system):
            self._say("A text of the whole system is unfinished: e goes on with it.")
        show, findings = self.console.print, view.findings
        menu: Menu = {}
        if view.offers:
            menu[Key("p", f"see {counted(len(view.offers), 'proposal')}")] = self._go_through
        menu[Key("e", "edit by hand")] = lambda: self._edit_by_hand(view)
        if view.can_ask:
            menu[Key("n", "note to the model")] = self._note
            menu[Key("l", "ask the model")] = review.Ask
        menu[Key("k", "lock, unlock")] = lambda: lock_or_unlock(self.asker, view)
        if self.pictures and findings and findings.review.n:
            menu[Key("v", "view images")] = lambda: self._view_images(view)
        if findings:
            menu[Key("c", "all classes")] = lambda: show(class_table(findings.classes))
            menu[Key("g", "all groups")] = lambda: show(group_block(findings))
            if view.state.versions and view.state.versions[-1].held_out:
                menu[Key("o", "scoring rules")] = lambda: self._choose_rule(view)
        menu[Key("s", "show the round")] = lambda: show(rounds.round_screen(view))
        measure = "measure, next round" if findings else "next round"
        menu[Key("m", measure)] = lambda: self._end_round(view)
        menu[Key("x", "export")] = lambda: self._export(view)
        menu[Key("q", "quit")] = review.Quit
        menu[Key("?", "explain")] = lambda: show(explanation(view))
        back = "q leaves; everything is saved."
        return self._choose(rounds.status_line(view), menu, view, lambda: self._say(back))

    def _go_through(self) -> None:
        self._going_through = True

    def _edit_by_hand(self, view: View) -> Action | None:
        proposal = edit_by_hand(self.asker, self.console, view, self.folder)
        return None if proposal is None else Decide(proposal, "accepted")

    def _note(self) -> Action | None:
        note = self.asker.text("Note to the language model:", check=unlike(()))
        return None if note is None else review.Note(note)

    def _choose_rule(self, view: View) -> Action | None:
        self._choosing_rule = False
        action = choose_rule(self.asker, self.console, view)
        self._choosing_rule = isinstance(action, review.TryRules)
        return action

    def _end_round(self, view: View) -> Action | None:
        open_llm = sum(offer.proposal.source == "llm" for offer in view.offers)
        if open_llm:
            # What the data suggests comes again by itself, what the model wrote does not.
            left = counted(open_llm, "undecided proposal") + " of the language model"
            if not self.asker.confirm(f"Drop {left}, and go on?", default=False):
                return None
        return review.EndRound()

    def _export(self, view: View) -> Action | None:
        if "final" in view.state.splits.values():
            self._say(rounds.final_note(view.state))
            if not self.asker.confirm("Export the best version?", default=True):
                return None
        return review.Export()

    # --- One proposal after the other -----------------------------------------------------------

    def _proposal(self, view: View) -> Action | None:
        if not view.offers:
            self._leave_proposals()
            self._say("No proposals are left.")
            return None
        offer = view.offers[0]
        proposal, effect = offer.proposal, offer.effect
        self.console.print()
        self.console.print(rounds.offer_block("Proposal:", offer, view.system))
        menu: Menu = {
            Key("a", "accept"): lambda: Decide(proposal, "accepted"),
            Key("r", "reject"): lambda: Decide(proposal, "rejected"),
            Key("w", "reject, say why"): lambda: self._reject(view, proposal),
            Key("e", "edit first"): lambda: self._adjust(view, proposal),
            Key("s", "skip"): lambda: Decide(proposal, "skipped"),
        }
        if any(other.effect and other.effect.net > 0 for other in view.offers):
            menu[Key("h", "accept all that help")] = review.AcceptHelpful
        if self.pictures and effect and effect.fixed + effect.broken:
            menu[Key("v", "view images")] = lambda: self._view_images(view, proposal)
        menu[Key("k", "lock, unlock")] = lambda: lock_or_unlock(self.asker, view)
        menu[Key("?", "explain")] = lambda: self.console.print(offer_explanation(view, offer))
        menu[Key("q", "quit")] = review.Quit
        return self._choose(rounds.proposals_left(view), menu, view, self._leave_proposals)

    def _leave_proposals(self) -> None:
        self._going_through = False

    def _reject(self, view: View, proposal: Proposal) -> Action | None:
        what = summary(proposal, view.system)
        reason = self.asker.text(f"Why not {what}?", check=unlike(()))
        return None if reason is None else Decide(proposal, "rejected", reason)

    def _adjust(self, view: View, proposal: Proposal) -> Action | None:
        adjusted = adjust(self.asker, self.console, view, proposal)
        if adjusted is None:
            return None
        if adjusted.key == proposal.key:
            return Decide(proposal, "accepted")
        return Decide(adjusted, "accepted", instead_of=proposal)

    # --- Shared -----------------------------------------------------------------------------------

    def _view_images(self, view: View, proposal: Proposal | None = None) -> None:
        if self.pictures is not None:
            view_images(self.asker, self.console, view, self.pictures, proposal)

    def _choose(self, title: str, menu: Menu, view: View, back: Step) -> Action | None:
        """What comes of the entry that the person chooses, or of going back."""
        steps = menu | _undo_menu(view.state)
        self.console.print()
        pressed = self.asker.key(title, list(steps))
        self._stopping = False
        return (behind(steps, pressed) or back)()

    def _say(self, words: str) -> None:
        self.console.print(Text(words))


def _undo_menu(state: State) -> Menu:
    """What would be undone or done again is named: it may have been in another run.

    They stand last, so that the numbers of the others stay the same where these are read out.
    """
    menu: Menu = {}
    if state.done:
        menu[Key("u", f"undo {_named(state.done[-1].act)}")] = review.Undo
    if state.undone:
        menu[Key("y", f"redo {_named(state.undone[-1])}")] = review.Redo
    return menu


def _named(act: Act) -> str:
    if isinstance(act, Decided):
        word = {"accepted": "accept", "rejected": "reject", "skipped": "skip"}[act.decision]
        return f"{word} of several" if act.together else word
    return _NAMES[type(act)]
