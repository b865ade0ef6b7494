"""Shows a session: progress and warnings on stderr, results by way of an event sink."""

import shlex
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.text import Text

from builder.cli.events import (
    EventSink,
    Finished,
    Interrupted,
    Opened,
    RoundShown,
    SessionEvent,
    Shortfall,
)
from builder.cli.workspace import Workspace
from builder.data.images import ImageSet
from builder.data.matching import Mismatch
from builder.encoders.protocol import Encoder
from builder.llm.class_rules import BATCH
from builder.llm.cost import Spent, money, tokens_of
from builder.llm.events import (
    CallFinished,
    CallReused,
    CallStarted,
    DraftProgress,
    Dropped,
    FormatFallback,
    GivenToAnother,
    Inseparable,
    LLMEvent,
    RecordingSilent,
    Respelled,
    Waiting,
)
from builder.review.loop import Ended, Recorded, StepFailed, Working
from builder.review.view import View
from builder.scoring.near_duplicates import NearDuplicates
from builder.scoring.wording import accuracy, accuracy_interval, counted, points
from builder.search.shuffled import ShuffledNull
from builder.session.records import Started
from builder.session.state import State
from builder.system.model import AttributeSystem
from builder.terminal.bars import OnTally, live_line, progress_bar, spinner, tally_bar
from builder.terminal.console import progress_console, result_console
from builder.terminal.events import record_line
from builder.terminal.render import error_panel
from builder.terminal.rounds import round_screen, unknown_words
from builder.terminal.text import shortened, visible

# How many near-duplicates are named.
_PAIRS = 5
TOY = (
    "The miniature is a toy encoder: it knows drawn cards and nothing else. No figure it gives "
    "says anything about jina-clip or about photographs."
)
DEMO = (
    "This demo draws 14 kinds of creature cards below {folder}. Their names are invented, so no "
    "encoder knows them; but it may know a blue bird with bat wings in a storm.",
    "So a language model drafts groups of such attributes, an encoder measures them on the cards, "
    "and round by round better words are proposed, each measured by itself before it is accepted.",
    "The model's replies are recorded. Everything else happens now, on this machine, through the "
    "same code as `cotbuild new`.",
)
# Kind of a record -> what that step is for, told once to a newcomer.
HINTS = {
    "assigned": "Review images may be looked at; held-out images only decide which version is "
    "better; final images are measured once, at export.",
    "drafted": "Each group is one question to the encoder, and each class names its answers. What "
    "the names alone achieve is shown beside it, for comparison.",
    "measured": "Only this figure is seen of held-out images, so it can be trusted more than the "
    "figure on review images, to which the proposals are fitted.",
    "proposed": "Each proposal was tried by itself on review images: so many images fixed, so many "
    "broken. Accept what helps; u takes it back.",
    "round_ended": "A round ends by measuring the changed system on held-out images. After two "
    "rounds without a new best it may be time to stop.",
    "exported": "The file holds the system, how it was measured and on what. cotbuild score reads "
    "it, and so does Python: from builder import Classifier, load_system.",
}


@dataclass(frozen=True, slots=True)
class DrawnResults:
    """Draws a session's results as text and tables; the screen tells the rest on stderr."""

    console: Console

    def tell(self, event: SessionEvent) -> None:
        match event:
            case Recorded():
                if line := record_line(event.record, event.state):
                    self.console.print(Text(line))
            case RoundShown(view, encoder):
                self.console.print(round_screen(view))
                if encoder is not None and (words := _unknown(encoder, view.system)):
                    self.console.print(unknown_words(words))
            case ShuffledNull():
                self.console.print(Text(_luck(event)))
            case _:
                pass


@dataclass(slots=True)
class Screen:
    """The two consoles, the event sink, and the step in progress."""

    results: Console
    progress_to: Console
    sink: EventSink
    _hints: dict[str, str] = field(default_factory=dict)
    _licensed: set[str] = field(default_factory=set)
    _step: ExitStack = field(default_factory=ExitStack)
    _tally: OnTally | None = None
    _line: Callable[[str], None] | None = None
    # On the language model, by the session.
    _spent: Spent = field(default_factory=Spent)

    @classmethod
    def open(cls, *, explains: bool = False) -> Self:
        """Opens a screen; `explains`: tell a newcomer once what each step is for."""
        hints = dict(HINTS) if explains else {}
        results = result_console()
        return cls(results, progress_console(), DrawnResults(results), hints)

    # --- While a session is set up ------------------------------------------------------------

    def progress(self, what: str) -> AbstractContextManager[Callable[[int, int], None]]:
        """A bar with rate and time left; the yielded function takes (done, total)."""
        return progress_bar(what, self.progress_to)

    def step(self, what: str) -> AbstractContextManager[None]:
        """Shows that a step is in progress, without a count."""
        return spinner(what, self.progress_to)

    def warning(self, words: str) -> None:
        self._aside(f"Note: {words}")

    def images(self, found: ImageSet, *, copies: int) -> None:
        """Says how many images there are, and names everything that was left out."""
        self._aside(f"{counted(len(found.images) - copies, 'image')} read.")
        if copies:
            self._aside(f"{counted(copies, 'copy', 'copies')} of other images left out.")
        left_out = [f"{s.where}: {s.reason}" for s in (*found.skipped, *found.conflicting)]
        self._listed(counted(len(left_out), "file") + " left out", left_out)
        empty = counted(len(found.empty_classes), "class", "classes")
        self._listed(f"{empty} without images, not scored", found.empty_classes)
        respelled = counted(len(found.matched), "class", "classes")
        self._listed(
            f"{respelled} found under another spelling",
            [f"{m.class_name} as {m.label} ({counted(m.count, 'image')})" for m in found.matched],
        )
        unknown = counted(len(found.unknown_folders), "folder")
        self._listed(
            f"{unknown} without a class of that name", map(_nearest, found.unknown_folders)
        )
        if found.other_rows:
            rows = counted(found.other_rows, "row")
            labels = counted(found.other_labels, "label")
            self._aside(f"{rows} with other labels left out ({labels} that no class bears).")
        self._listed(
            "Labels left out that are most like a class", map(_nearest, found.nearest_labels)
        )

    def near_duplicates(self, found: NearDuplicates, names: Mapping[str, str]) -> None:
        """Warns of images that nearly repeat one of another split; `names`: digest -> its name."""
        if not found.images:
            return
        self.warning(
            f"{counted(found.images, 'image')} nearly repeat one of another split (a cosine of "
            f"{found.cosine:.3f} or more): what is looked at there is not unseen here, and figures "
            "on held-out and final images may flatter"
        )
        closest = [
            f"{names[pair.first]} ~ {names[pair.second]} ({pair.cosine:.3f})"
            for pair in found.closest[:_PAIRS]
        ]
        self._listed("The closest", closest)

    def no_images(self) -> None:
        self._aside("There are no images: nothing will be scored.")

    def encoder(self, encoder: Encoder, workspace: Workspace) -> None:
        """Says which encoder measures, and how many images each split has."""
        sizes = ", ".join(
            f"{len(data.labels)} {name.replace('_', '-')}"
            for name, data in workspace.evaluator.splits.items()
        )
        self._aside(f"Encoder {encoder.name}; images: {sizes}.")
        if encoder.name == "miniature":
            self.warning(TOY)

    def licence(self, encoder: str, licence: str) -> None:
        """Says, once, what the licence of an encoder's weights allows, if it is known."""
        if licence and encoder not in self._licensed:
            self._licensed.add(encoder)
            self._aside(f"Licence of {encoder}: {licence}.")

    def began(self, folder: Path, started: Started) -> None:
        classes = counted(len(started.classes), "class", "classes")
        self._aside(f"Session {folder}: {started.domain}, {classes}.")
        if started.context:
            tokens = tokens_of(started.context)
            self._aside(f"Background: about {tokens:,} tokens, sent with each question.")
        self.sink.tell(Opened(folder, started))

    def replays(self, label: str, about: str) -> None:
        """Says so where replies don't come from a model that is answering now."""
        self._aside(f"The language model's replies are {label}. {about}".rstrip())

    def resumed(self, folder: Path, state: State, torn_bytes: int) -> None:
        """Says where the resumed session stands."""
        self._aside(
            f"Session {folder}: round {state.round}, {counted(len(state.versions), 'version')}, "
            f"{counted(len(state.decisions), 'decision')}."
        )
        if torn_bytes:
            self.warning(
                f"the last line of the journal was cut off ({torn_bytes} bytes) and is dropped; "
                "every decision before it is there"
            )
        self.sink.tell(Opened(folder, state.started, state))

    # --- While it runs ------------------------------------------------------------------------

    def working(self, event: Working) -> None:
        self.over()
        self._step.enter_context(self.step(event.what.capitalize()))
        self.sink.tell(event)

    def recorded(self, event: Recorded) -> None:
        self.over()
        self.sink.tell(event)
        # Told once: what is popped is not there the next time.
        if hint := self._hints.pop(event.record.kind, None):
            self._aside(f"↳ {hint}", indent=2)

    def failed(self, event: StepFailed) -> None:
        self.over()
        if event.error is None:
            self._aside(f"Stopped: {event.what}. The session goes on without it.")
        else:
            self.progress_to.print(error_panel(event.error), crop=False)
            self._aside("The session goes on without it.")
        self.sink.tell(event)

    def searching(self, words: str) -> None:
        """Shows how far a search has come, always in the same line."""
        if self._line is None:
            self.over()
            self._line = self._step.enter_context(live_line(self.progress_to))
        self._line(words)

    def shuffled(self, null: ShuffledNull) -> None:
        """Shows what the same search gains where there is nothing to find."""
        self.over()
        self.sink.tell(null)

    def viewed(self, view: View, encoder: Encoder | None) -> None:
        """Shows the round's screen."""
        self.over()
        self.sink.tell(RoundShown(view, encoder))

    def spent(self, before: Spent) -> None:
        """Says what earlier runs of the session spent on the model, if anything."""
        self._spent = before
        if before.tokens:
            self._aside(f"Spent on the language model so far: {spent_words(before)}.")

    @property
    def spending(self) -> str:
        """What the session spent on the model so far; "" for nothing."""
        return spent_words(self._spent) if self._spent.tokens else ""

    def llm_event(self, event: LLMEvent) -> None:
        """Shows an event of the language model: a line each, or a bar for a draft in many calls."""
        if isinstance(event, CallFinished):
            self._spent = event.total or self._spent
        if isinstance(event, DraftProgress):
            self._draft_progress(event)
        elif self._tally is not None and isinstance(event, CallFinished | CallReused):
            return  # the bar says as much, and hundreds of lines would scroll all else away
        elif (line := llm_line(event)) is not None:
            self._aside(line, indent=2)

    def _draft_progress(self, event: DraftProgress) -> None:
        if event.total <= BATCH:
            return
        if self._tally is None:
            self.over()
            self._tally = self._step.enter_context(tally_bar("Rules", self.progress_to))
        self._tally(event.done, event.total, spent_words(self._spent))

    # --- At the end ---------------------------------------------------------------------------

    def ended(
        self, folder: Path, ended: Ended, *, exported: bool, shortfall: Shortfall | None
    ) -> None:
        self.over()
        self._aside(f"Stopped: {ended.reason}.")
        self._account()
        self._next(folder, exported=exported)
        self._over_with(ended, shortfall)

    def finished(
        self, folder: Path, ended: Ended, export: str, shortfall: Shortfall | None
    ) -> None:
        """Says that there is nothing more to do in an automatic session, and how to go on."""
        self._aside(f"This session is finished: {ended.reason}. Its export is {export}.")
        named = shlex.quote(str(folder))
        self._aside(f"Go on with:  cotbuild resume {named} --auto --rounds N")
        self._aside(f"or by hand:  cotbuild resume {named}")
        self._over_with(ended, shortfall)

    def _over_with(self, ended: Ended, shortfall: Shortfall | None) -> None:
        if shortfall:
            self.below(shortfall.reached, shortfall.wanted)
        self.sink.tell(Finished(ended, self._spent, shortfall))

    def below(self, reached: float, wanted: float) -> None:
        self._aside(f"Accuracy {100 * reached:.1f} % is below the {100 * wanted:.1f} % asked for.")

    def report_written(self, path: Path, size: int) -> None:
        self._result(Text(f"Report written to {visible(str(path))} ({size / 1e6:.1f} MB)."))

    def left(self, folder: Path, go_on: str = "resume") -> None:
        """Says that the session was left and saved; `go_on`: the command that continues it."""
        self.over()
        self._aside("Left. Everything decided is saved.")
        self._account()
        self._next(folder, go_on)
        self.sink.tell(Interrupted())

    def unmeasured(self) -> None:
        self.warning(
            "changes accepted since the last version were never measured on held-out images "
            "and are not exported; `cotbuild resume` measures them at the end of the round"
        )

    def table(self, title: str, table: RenderableType) -> None:
        self._result(Text(f"\n{visible(title)}", style="bold"))
        self._result(table)

    def demo_begins(self, folder: Path) -> None:
        """Tells a newcomer what the demo is about to show."""
        for paragraph in DEMO:
            self._aside(paragraph.format(folder=folder))
            self.progress_to.print()

    def over(self) -> None:
        """Ends the step in progress, if there is one."""
        self._tally = self._line = None
        self._step.close()

    def _account(self) -> None:
        if self._spent.tokens:
            self._aside(f"The session spent on the language model: {spent_words(self._spent)}.")

    def _next(self, folder: Path, go_on: str = "resume", *, exported: bool = False) -> None:
        named = shlex.quote(str(folder))
        self._aside(f"Go on with:  cotbuild {go_on} {named}")
        if not exported:
            self._aside(f"Export with: cotbuild export {named}")

    def _aside(self, line: str, indent: int = 0) -> None:
        padding = (0, 0, 0, indent)
        self.progress_to.print(Padding(Text(visible(line)), padding, expand=False))

    def _result(self, drawn: RenderableType) -> None:
        self.results.print(drawn)

    def _listed(self, title: str, items: Iterable[str]) -> None:
        """Lists all items, for a name left out would be looked for in vain."""
        for number, item in enumerate(items):
            if number == 0:
                self._aside(f"{title}:")
            self._aside(shortened(item, 200), indent=2)


def _nearest(mismatch: Mismatch) -> str:
    names = ", ".join(mismatch.nearest)
    return f"{mismatch.name} (nearest: {names})" if names else mismatch.name


def llm_line(event: LLMEvent) -> str | None:
    """An event of the language model in one line; None for one not worth telling."""
    match event:
        case CallStarted():
            return None
        case CallFinished():
            if not event.seconds:
                return f"{event.purpose}: recorded reply"
            tokens = "tokens unknown"
            if event.prompt_tokens is not None and event.completion_tokens is not None:
                tokens = f"{event.prompt_tokens:,} + {event.completion_tokens:,} tokens"
            price = f", ${money(event.cost)}" if event.cost else ""
            return f"{event.purpose}: {tokens}{price}, {event.seconds:.1f} s"
        case CallReused():
            return f"{event.purpose}: taken from the transcript, already paid for"
        case FormatFallback():
            now = f", {event.format} now" if event.format else ""
            return f"another form of answer is asked for{now}: {shortened(event.reason)}"
        case Waiting():
            reason = shortened(event.reason.rstrip("."), 160)
            return f"{reason}; again in {event.seconds:.0f} s"
        case DraftProgress():
            return None
        case Respelled():
            return f"{shortened(event.sent)} is taken for {shortened(event.meant)}"
        case Inseparable():
            classes = counted(event.classes, "class", "classes")
            return (
                f"{classes} still have rules that others have too: {shortened(event.reason, 160)}"
            )
        case Dropped():
            reasons = "; ".join(shortened(reason, 160) for reason in event.reasons[:3])
            return f"{counted(event.count, event.what)} dropped: {reasons}"
        case GivenToAnother():
            return (
                f"{event.purpose}: this request differs from the one that was recorded; the reply "
                "was given to that one, not to this"
            )
        case RecordingSilent():
            return event.message


def spent_words(spent: Spent) -> str:
    """Tokens and, where it is known, money."""
    about = "about " if spent.estimated else ""
    cost = "price unknown" if spent.cost is None else f"${money(spent.cost)}" if spent.cost else ""
    return f"{about}{spent.tokens:,} tokens" + (f", {cost}" if cost else "")


def _luck(null: ShuffledNull) -> str:
    gain = 100 * (null.after - null.before) / null.review
    held_out = f"{accuracy(null.correct, null.held_out)}"
    interval = accuracy_interval(null.correct, null.held_out)
    return (
        f"With shuffled review labels the same search gains {points(gain)} on them "
        f"({accuracy(null.before, null.review)} -> {accuracy(null.after, null.review)}), "
        f"all of it luck; on held-out images: {held_out} ({interval})."
    )


def _unknown(encoder: Encoder, system: AttributeSystem) -> tuple[str, ...]:
    found = encoder.unknown_words([o for group in system.groups for o in group.options])
    return tuple(dict.fromkeys(word for words in found for word in words))
