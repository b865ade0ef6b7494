"""The conversation with a person: shows, asks, and returns one action after the other.

Each decision is returned at once, so that it is recorded before the next question.
"""

from pathlib import Path
from typing import Literal

from rich.console import Console
from rich.text import Text

from builder.edits.model import Proposal
from builder.review.view import (
    AcceptHelpful,
    Action,
    Ask,
    Decide,
    EndRound,
    Export,
    Note,
    Offer,
    Quit,
    Redo,
    TryRules,
    Undo,
    View,
)
from builder.scoring.wording import counted
from builder.session.records import Act, Decided, Locked, Noted, Rescored, Reverted, Unlocked
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
from builder.terminal.rounds import (
    final_note,
    offer_block,
    proposals_left,
    round_screen,
    status_line,
)
from builder.terminal.scoring_rules import choose_rule


class TerminalReviewer:
    """A person at a terminal. What they are in the midst of lives from one action to the next."""

    name: Literal["person"] = "person"
    present = True

    def __init__(
        self,
        asker: Asker,
        console: Console,
        folder: Path | None = None,
        pictures: Pictures | None = None,
    ) -> None:
        """`folder`: where a text of the whole system is kept while it is edited."""
        self._asker = asker
        self._console = console
        self._folder = folder
        self._pictures = pictures
        # Going through the proposals, rather than at the main menu.
        self._going_through = False
        # About to choose a scoring rule, whose look at held-out images is in the journal by now.
        self._choosing_rule = False
        # Ctrl-C was pressed, and no menu was answered since.
        self._stopping = False
        # A step that took a while came before this action: keys pressed meanwhile meant no menu.
        self._waited = True

    def next_action(self, view: View) -> Action:
        """The person's next decision. Raises KeyboardInterrupt at the second Ctrl-C in a row."""
        if view.stopped:
            self._stopping = True
            self._say("Press Ctrl-C again to leave; everything is saved.")
        if self._waited:
            self._asker.discard_typed()
        while True:
            try:
                action = self._step(view)
            except InputEnded:
                return Quit()
            except KeyboardInterrupt:
                if self._stopping:
                    raise
                self._stopping = True
                self._say("Press Ctrl-C again to leave; everything is saved.")
            else:
                if action is not None:
                    self._waited = isinstance(action, Ask | EndRound)
                    return action

    def _step(self, view: View) -> Action | None:
        """One answer from where the person is; None when it leads to no action yet."""
        if self._choosing_rule:
            return self._choose_rule(view)
        return self._proposal(view) if self._going_through else self._main_menu(view)

    # --- The main menu ------------------------------------------------------------------------

    def _main_menu(self, view: View) -> Action | None:
        if self._folder and unfinished_text(self._folder, view.system):
            self._say("A text of the whole system is unfinished: e goes on with it.")
        images = self._pictures is not None and _has_images(view)
        pressed = self._menu(status_line(view), _main_keys(view, images=images))
        match pressed:
            case "p":
                self._going_through = True
            case "e":
                proposal = edit_by_hand(self._asker, self._console, view, self._folder)
                return None if proposal is None else Decide(proposal, "accepted")
            case "n":
                note = self._asker.text("Note to the language model:", check=unlike(()))
                return None if note is None else Note(note)
            case "l":
                return Ask()
            case "u":
                return Undo()
            case "y":
                return Redo()
            case "k":
                return lock_or_unlock(self._asker, view)
            case "v":
                self._view_images(view)
            case "o":
                return self._choose_rule(view)
            case "m":
                return self._end_round(view)
            case "x":
                return self._export(view)
            case "q":
                return Quit()
            case _:
                self._show(view, pressed)
        return None

    def _choose_rule(self, view: View) -> Action | None:
        self._choosing_rule = False
        action = choose_rule(self._asker, self._console, view)
        self._choosing_rule = isinstance(action, TryRules)
        return action

    def _show(self, view: View, pressed: str | None) -> None:
        match pressed:
            case "c" if view.findings:
                self._console.print(class_table(view.findings.classes))
            case "g" if view.findings:
                self._console.print(group_block(view.findings))
            case "s":
                self._console.print(round_screen(view))
            case "?":
                self._console.print(explanation(view))
            case _:
                self._say("q leaves; everything is saved.")

    def _end_round(self, view: View) -> Action | None:
        open_llm = sum(offer.proposal.source == "llm" for offer in view.offers)
        if open_llm:
            # What the data suggests comes again by itself, what the model wrote does not.
            left = counted(open_llm, "undecided proposal") + " of the language model"
            if not self._asker.confirm(f"Drop {left}, and go on?", default=False):
                return None
        return EndRound()

    def _export(self, view: View) -> Action | None:
        if "final" in view.state.splits.values():
            self._say(final_note(view.state))
            if not self._asker.confirm("Export the best version?", default=True):
                return None
        return Export()

    # --- One proposal after the other -----------------------------------------------------------

    def _proposal(self, view: View) -> Action | None:
        if not view.offers:
            self._going_through = False
            self._say("No proposals are left.")
            return None
        offer = view.offers[0]
        self._console.print()
        self._console.print(offer_block("Proposal:", offer, view.system))
        left = proposals_left(view)
        images = self._pictures is not None and _changes_images(offer)
        match self._menu(left, _proposal_keys(view, images=images)):
            case "a":
                return Decide(offer.proposal, "accepted")
            case "r":
                return Decide(offer.proposal, "rejected")
            case "w":
                what = summary(offer.proposal, view.system)
                reason = self._asker.text(f"Why not {what}?", check=unlike(()))
                return None if reason is None else Decide(offer.proposal, "rejected", reason)
            case "s":
                return Decide(offer.proposal, "skipped")
            case "e":
                return self._edited(view, offer.proposal)
            case "h":
                return AcceptHelpful()
            case "k":
                return lock_or_unlock(self._asker, view)
            case "v":
                self._view_images(view, offer.proposal)
                return None
            case "u":
                return Undo()
            case "y":
                return Redo()
            case "?":
                self._console.print(offer_explanation(view, offer))
                return None
            case "q":
                return Quit()
            case _:
                self._going_through = False
                return None

    def _edited(self, view: View, proposal: Proposal) -> Action | None:
        adjusted = adjust(self._asker, self._console, view, proposal)
        if adjusted is None:
            return None
        if adjusted.key == proposal.key:
            return Decide(proposal, "accepted")
        return Decide(adjusted, "accepted", instead_of=proposal)

    def _view_images(self, view: View, proposal: Proposal | None = None) -> None:
        if self._pictures is not None:
            view_images(self._asker, self._console, view, self._pictures, proposal)

    # --- Shared -----------------------------------------------------------------------------------

    def _menu(self, title: str, keys: list[Key]) -> str | None:
        self._console.print()
        pressed = self._asker.key(title, keys)
        self._stopping = False
        return pressed

    def _say(self, words: str) -> None:
        self._console.print(Text(words))


def _has_images(view: View) -> bool:
    return view.findings is not None and view.findings.review.n > 0


def _changes_images(offer: Offer) -> bool:
    return offer.effect is not None and offer.effect.fixed + offer.effect.broken > 0


def _main_keys(view: View, *, images: bool) -> list[Key]:
    keys = []
    if view.offers:
        keys.append(Key("p", f"see {counted(len(view.offers), 'proposal')}"))
    keys.append(Key("e", "edit by hand"))
    if view.can_ask:
        keys += [Key("n", "note to the model"), Key("l", "ask the model")]
    keys.append(Key("k", "lock, unlock"))
    if images:
        keys.append(Key("v", "view images"))
    if view.findings:
        keys += [Key("c", "all classes"), Key("g", "all groups")]
        if view.state.versions and view.state.versions[-1].held_out:
            keys.append(Key("o", "scoring rules"))
    keys.append(Key("s", "show the round"))
    keys.append(Key("m", "measure, next round" if view.findings else "next round"))
    keys += [Key("x", "export"), Key("q", "quit"), Key("?", "explain")]
    return [*keys, *_undo_keys(view)]


def _proposal_keys(view: View, *, images: bool) -> list[Key]:
    keys = [
        Key("a", "accept"),
        Key("r", "reject"),
        Key("w", "reject, say why"),
        Key("e", "edit first"),
        Key("s", "skip"),
    ]
    if any(offer.effect and offer.effect.net > 0 for offer in view.offers):
        keys.append(Key("h", "accept all that help"))
    if images:
        keys.append(Key("v", "view images"))
    keys += [Key("k", "lock, unlock"), Key("?", "explain"), Key("q", "quit")]
    return [*keys, *_undo_keys(view)]


def _undo_keys(view: View) -> list[Key]:
    """What would be undone or done again is named: it may have been in another run.

    They stand last, so that the numbers of the others stay the same where these are read out.
    """
    state = view.state
    keys = []
    if state.done:
        keys.append(Key("u", f"undo {_named(state.done[-1].act)}"))
    if state.undone:
        keys.append(Key("y", f"redo {_named(state.undone[-1])}"))
    return keys


def _named(act: Act) -> str:
    match act:
        case Decided():
            word = {"accepted": "accept", "rejected": "reject", "skipped": "skip"}[act.decision]
            return f"{word} of several" if act.together else word
        case Noted():
            return "note"
        case Locked():
            return "lock"
        case Unlocked():
            return "unlock"
        case Rescored():
            return "scoring rule"
        case Reverted():
            return "return"
