"""The conversation with a person: shows, asks, and returns one action after the other.

Each decision is returned at once, so that it is recorded before the next question.
"""

from typing import Literal

from rich.console import Console
from rich.text import Text

from builder.reviewing import (
    AcceptHelpful,
    Action,
    Ask,
    Decide,
    EndRound,
    Export,
    Note,
    Quit,
    Undo,
    View,
)
from builder.terminal.adjusting import adjust
from builder.terminal.asker import Asker, InputEnded, Key
from builder.terminal.complaints import unlike
from builder.terminal.editing import edit_by_hand
from builder.terminal.explaining import explanation
from builder.terminal.figures import counted
from builder.terminal.reports import class_table, group_table
from builder.terminal.rounds import final_note, offer_block, round_screen, status_line

TAKEN_EDITED = "taken in an edited form"


class TerminalReviewer:
    """A person at a terminal. What they are in the midst of lives from one action to the next."""

    name: Literal["person"] = "person"
    present = True

    def __init__(self, asker: Asker, console: Console) -> None:
        self._asker = asker
        self._console = console
        # Going through the proposals, rather than at the main menu.
        self._going_through = False
        # Ctrl-C was pressed, and no menu was answered since.
        self._stopping = False
        # What follows from the action before, without another question.
        self._next: Action | None = None
        # A step that took a while came before this action: keys pressed meanwhile meant no menu.
        self._waited = True

    def next_action(self, view: View) -> Action:
        """The person's next decision. Raises KeyboardInterrupt at the second Ctrl-C in a row."""
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
        if self._next is not None:
            action, self._next = self._next, None
            return action
        return self._proposal(view) if self._going_through else self._main_menu(view)

    # --- The main menu ------------------------------------------------------------------------

    def _main_menu(self, view: View) -> Action | None:
        pressed = self._menu(status_line(view), _main_keys(view))
        match pressed:
            case "p":
                self._going_through = True
            case "e":
                proposal = edit_by_hand(self._asker, self._console, view)
                return None if proposal is None else Decide(proposal, "accepted")
            case "n":
                note = self._asker.text("Note to the language model:", check=unlike(()))
                return None if note is None else Note(note)
            case "l":
                return Ask()
            case "u":
                return Undo()
            case "m":
                return self._end_round(view)
            case "x":
                return self._export(view)
            case "q":
                return Quit()
            case _:
                self._show(view, pressed)
        return None

    def _show(self, view: View, pressed: str | None) -> None:
        match pressed:
            case "c" if view.findings:
                self._console.print(class_table(view.findings.classes))
            case "g" if view.findings:
                self._console.print(group_table(view.findings.groups))
            case "s":
                self._console.print(round_screen(view))
            case "?":
                self._console.print(explanation())
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
        match self._menu(f"{counted(len(view.offers), 'proposal')} left", _proposal_keys(view)):
            case "a":
                return Decide(offer.proposal, "accepted")
            case "r":
                reason = self._asker.text("Why? (Enter alone: no reason)")
                return None if reason is None else Decide(offer.proposal, "rejected", reason)
            case "s":
                return Decide(offer.proposal, "skipped")
            case "e":
                adjusted = adjust(self._asker, self._console, view, offer.proposal)
                if adjusted is None:
                    return None
                if adjusted.key != offer.proposal.key:
                    self._next = Decide(offer.proposal, "skipped", TAKEN_EDITED)
                return Decide(adjusted, "accepted")
            case "h":
                return AcceptHelpful()
            case "u":
                return Undo()
            case "q":
                return Quit()
            case _:
                self._going_through = False
                return None

    # --- Shared -----------------------------------------------------------------------------------

    def _menu(self, title: str, keys: list[Key]) -> str | None:
        self._console.print()
        pressed = self._asker.key(title, keys)
        self._stopping = False
        return pressed

    def _say(self, words: str) -> None:
        self._console.print(Text(words))


def _main_keys(view: View) -> list[Key]:
    keys = []
    if view.offers:
        keys.append(Key("p", f"go through {counted(len(view.offers), 'proposal')}"))
    keys.append(Key("e", "edit by hand"))
    if view.can_ask:
        keys += [Key("n", "note to the model"), Key("l", "ask the model")]
    if _can_undo(view):
        keys.append(Key("u", "undo"))
    if view.findings:
        keys += [Key("c", "all classes"), Key("g", "all groups")]
    keys.append(Key("s", "show the round"))
    keys.append(Key("m", "measure, next round" if view.findings else "next round"))
    return [*keys, Key("x", "export"), Key("q", "quit"), Key("?", "explain")]


def _proposal_keys(view: View) -> list[Key]:
    keys = [Key("a", "accept"), Key("r", "reject"), Key("e", "edit"), Key("s", "skip")]
    if any(offer.effect and offer.effect.net > 0 for offer in view.offers):
        keys.append(Key("h", "accept all that help"))
    if _can_undo(view):
        keys.append(Key("u", "undo"))
    return [*keys, Key("q", "quit")]


def _can_undo(view: View) -> bool:
    return len(view.state.steps) > 1
