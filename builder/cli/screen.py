"""Shows a session: progress and warnings on stderr, results on stdout."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import typer
from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.text import Text

from builder.cli.stream_words import stream_words
from builder.cli.workspace import Workspace
from builder.data.images import ImageSet
from builder.data.matching import Mismatch
from builder.encoders.protocol import Encoder
from builder.files import command
from builder.llm import events as llm
from builder.llm.cost import Spent, money, tokens_of
from builder.llm.rule_schema import BATCH
from builder.review.loop import Ended, Recorded, StepFailed, Working
from builder.review.view import View
from builder.scoring.near_duplicates import NearDuplicates
from builder.scoring.wording import accuracy, accuracy_interval, counted, points
from builder.search.shuffled import ShuffledNull
from builder.session.records import Started
from builder.session.state import State
from builder.system.model import AttributeSystem
from builder.terminal.bars import OnTally, OnWords, live_line, progress_bar, spinner, tally_bar
from builder.terminal.console import progress_console, result_console
from builder.terminal.events import record_line
from builder.terminal.render import error_panel
from builder.terminal.rounds import round_screen, unknown_words
from builder.terminal.text import listed, shortened, to_copy, visible

# What changes the words on answers that are being written.
_LIVELY = llm.CallStreams | llm.CallFinished | llm.Waiting
# How many near-duplicates are named.
_PAIRS = 5
# How many classes without a rule are.
_NAMED = 5
TOY = (
    "The miniature is a toy encoder: it knows drawn cards and nothing else. No figure it gives "
    "says anything about jina-clip or about photographs."
)


@dataclass
class Screen:
    """The two consoles, and the step in progress.

    `hints`: what to tell a newcomer once, by the kind of the record that comes of the step.
    """

    hints: dict[str, str] = field(default_factory=dict)
    results: Console = field(default_factory=result_console)
    progress_to: Console = field(default_factory=progress_console)
    _licensed: set[str] = field(default_factory=set)
    _step: ExitStack = field(default_factory=ExitStack)
    _tally: OnTally | None = None
    _line: OnWords | None = None
    # Draws the step again, with what is being written for it, and how fast.
    _live: Callable[[str, str], None] | None = None
    # On the language model, by the session.
    _spent: Spent = field(default_factory=Spent)

    # --- While a session is set up ------------------------------------------------------------

    def progress(self, what: str) -> AbstractContextManager[Callable[[int, int], None]]:
        """A bar with rate and time left; the yielded function takes (done, total)."""
        return progress_bar(what, self.progress_to)

    def step(self, what: str) -> AbstractContextManager[Callable[[str], None]]:
        """Shows that a step is in progress, without a count, and what the function is told."""
        return spinner(what, self.progress_to)

    def warning(self, words: str) -> None:
        self._aside(f"Note: {words}")

    def images(self, found: ImageSet) -> None:
        """Says how many images there are, and names everything that was left out."""
        different = len({image.digest for image in found.images})
        self._aside(f"{counted(different, 'image')} read.")
        if copies := len(found.images) - different:
            self._aside(f"{counted(copies, 'copy', 'copies')} of other images left out.")
        left_out = [f"{s.where}: {s.reason}" for s in (*found.skipped, *found.conflicting)]
        self._listed(counted(len(left_out), "file") + " left out", left_out)
        empty = counted(len(found.empty_classes), "class", "classes")
        self._listed(f"{empty} without images, not scored", found.empty_classes)
        respelled = counted(len(found.matched), "class", "classes")
        as_label = [
            f"{m.class_name} as {m.label} ({counted(m.count, 'image')})" for m in found.matched
        ]
        self._listed(f"{respelled} found under another spelling", as_label)
        unknown = counted(len(found.unknown_folders), "folder") + " without a class of that name"
        self._listed(unknown, map(_nearest, found.unknown_folders))
        if found.other_rows:
            rows = counted(found.other_rows, "row")
            labels = counted(found.other_labels, "label")
            self._aside(f"{rows} with other labels left out ({labels} that no class bears).")
        alike = "Labels left out that are most like a class"
        self._listed(alike, map(_nearest, found.nearest_labels))

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

    def encoder(self, workspace: Workspace) -> None:
        """Says which encoder measures, and how many images each split has."""
        sizes = ", ".join(
            f"{len(data.labels)} {split.replace('_', '-')}"
            for split, data in workspace.evaluator.splits.items()
        )
        name = workspace.encoder.name
        self._aside(f"Encoder {name}; images: {sizes}.")
        if name == "miniature":
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

    # --- While it runs ------------------------------------------------------------------------

    def working(self, event: Working) -> None:
        self.over()
        say = self._step.enter_context(self.step(event.what.capitalize()))
        self._live = lambda words, rate: say(words + rate)

    def recorded(self, event: Recorded) -> None:
        self.over()
        self.draw_record(event)
        # Told once: what is popped is not there the next time.
        if hint := self.hints.pop(event.record.kind, None):
            self._aside(f"↳ {hint}", indent=2)

    def draw_record(self, event: Recorded) -> None:
        if line := record_line(event.record, event.state):
            self.results.print(Text(line))

    def failed(self, event: StepFailed) -> None:
        self.over()
        if event.error is None:
            self._aside(f"Stopped: {event.what}. The session goes on without it.")
        else:
            self.progress_to.print(error_panel(event.error), crop=False)
            self._aside("The session goes on without it.")

    def searching(self, words: str) -> None:
        """Shows how far a search has come, always in the same line."""
        if self._line is None:
            self.over()
            self._line = self._step.enter_context(live_line(self.progress_to))
        line = self._line
        line(words, "")
        self._live = lambda more, rate: line(words, more + rate)

    def shuffled(self, null: ShuffledNull) -> None:
        """Shows what the same search gains where there is nothing to find."""
        self.over()
        self.results.print(Text(_luck(null)))

    def viewed(self, view: View, encoder: Encoder | None) -> None:
        """Shows a round's proposals and what led to them; `encoder` None: nothing is measured."""
        self.over()
        self.results.print(round_screen(view))
        if encoder is not None and (words := _unknown(encoder, view.system)):
            self.results.print(unknown_words(words))

    def spent(self, before: Spent) -> None:
        """Says what earlier runs of the session spent on the model, if anything."""
        self._spent = before
        if words := self.spending:
            self._aside(f"Spent on the language model so far: {words}.")

    @property
    def spending(self) -> str:
        """What the session spent on the model so far; "" for nothing."""
        return spent_words(self._spent)

    def llm_event(self, event: llm.LLMEvent) -> None:
        """Shows an event of the language model: a line each, or a bar for a draft in many calls."""
        if isinstance(event, llm.CallFinished):
            self._spent = event.total or self._spent
        if self._live is not None and isinstance(event, _LIVELY):
            self._live(*stream_words(event))
        if isinstance(event, llm.DraftProgress):
            self._draft_progress(event)
        elif self._tally is not None and isinstance(event, llm.CallFinished | llm.CallReused):
            return  # the bar says as much, and hundreds of lines would scroll all else away
        elif (line := llm_line(event)) is not None:
            self._aside(line, indent=2)

    def _draft_progress(self, event: llm.DraftProgress) -> None:
        if event.total <= BATCH:
            return
        if self._tally is None:
            self.over()
            self._tally = self._step.enter_context(tally_bar("Rules", self.progress_to))
        tally, spent = self._tally, spent_words(self._spent) or "0 tokens"
        tally(event.done, event.total, spent)
        self._live = lambda _words, rate: tally(event.done, event.total, spent + rate)

    # --- At the end ---------------------------------------------------------------------------

    def ended(
        self,
        folder: Path,
        ended: Ended,
        wanted: float | None = None,
        *,
        exported: bool = False,
        before: bool = False,
    ) -> None:
        """Says how a session ended; raises typer.Exit with 1 for an accuracy below that `wanted`.

        before: an automatic session had ended already, and was exported.
        """
        self.over()
        if before and (export := ended.state.exported):
            self._aside(f"This session is finished: {ended.reason}. Its export is {export.path}.")
            self.next_command("Go on with: ", "resume", folder, "--auto", "--rounds", "N")
            self.next_command("or by hand: ", "resume", folder)
        else:
            self._aside(f"Stopped: {ended.reason}.")
            self._next(folder, exported=exported)
        self.check_accuracy(reached(ended.state), wanted)

    def check_accuracy(self, reached: float, wanted: float | None) -> None:
        """Raises typer.Exit with 1 where an accuracy is below the one that was asked for."""
        if wanted is not None and reached < wanted:
            asked_for = f"{100 * wanted:.1f} % asked for"
            self._aside(f"Accuracy {100 * reached:.1f} % is below the {asked_for}.")
            raise typer.Exit(1)

    def report_written(self, path: Path, size: int) -> None:
        self.results.print(Text(f"Report written to {visible(str(path))} ({size / 1e6:.1f} MB)."))

    def left(self, folder: Path, go_on: Sequence[object] = ("resume",)) -> None:
        """Says that the session was left and saved; `go_on`: words of what continues it."""
        self.over()
        self._aside("Left. Everything decided is saved.")
        self._next(folder, go_on)

    def table(self, title: str, table: RenderableType) -> None:
        self.results.print(Text(f"\n{visible(title)}", style="bold"))
        self.results.print(table)

    def paragraph(self, words: str) -> None:
        self._aside(words)
        self.progress_to.print()

    def next_command(self, what_for: str, *words: object) -> None:
        """Says which command does that, in one piece to be copied."""
        self.progress_to.print(to_copy(f"{what_for} {command(*words)}"), crop=False)

    def over(self) -> None:
        """Ends the step in progress, if there is one."""
        self._tally = self._line = self._live = None
        self._step.close()

    def _next(
        self, folder: Path, go_on: Sequence[object] = ("resume",), *, exported: bool = False
    ) -> None:
        """Says what the session spent, and with which commands it goes on."""
        if words := self.spending:
            self._aside(f"The session spent on the language model: {words}.")
        self.next_command("Go on with: ", *go_on, folder)
        if not exported:
            self.next_command("Export with:", "export", folder)

    def _aside(self, line: str, indent: int = 0) -> None:
        padding = (0, 0, 0, indent)
        self.progress_to.print(Padding(Text(visible(line)), padding, expand=False))

    def _listed(self, title: str, items: Iterable[str]) -> None:
        """Lists all items, for a name left out would be looked for in vain."""
        for number, item in enumerate(items):
            if number == 0:
                self._aside(f"{title}:")
            self._aside(shortened(item, 200), indent=2)


def reached(state: State) -> float:
    """The best accuracy on held-out images, in [0, 1]."""
    best = state.best_version
    return best.correct / len(best.held_out) if best and best.held_out else 0.0


def _nearest(mismatch: Mismatch) -> str:
    names = ", ".join(mismatch.nearest)
    return f"{mismatch.name} (nearest: {names})" if names else mismatch.name


def llm_line(event: llm.LLMEvent) -> str | None:
    """An event of the language model in one line; None for one not worth telling."""
    match event:
        case llm.CallFinished():
            if not event.seconds:
                return f"{event.purpose}: recorded reply"
            tokens = "tokens unknown"
            if event.prompt_tokens is not None and event.completion_tokens is not None:
                tokens = f"{event.prompt_tokens:,} + {event.completion_tokens:,} tokens"
            price = f", ${money(event.cost)}" if event.cost else ""
            return f"{event.purpose}: {tokens}{price}, {event.seconds:.1f} s"
        case llm.CallReused():
            return f"{event.purpose}: taken from the transcript, already paid for"
        case llm.FormatFallback():
            now = f", {event.format} now" if event.format else ""
            reason = shortened(event.reason.rstrip("."), 160)
            return f"another form of answer is asked for{now}: {reason}"
        case llm.Waiting():
            reason = shortened(event.reason.rstrip("."), 160)
            return f"{reason}; again in {event.seconds:.0f} s"
        case llm.Respelled():
            return f"{shortened(event.sent)} is taken for {shortened(event.meant)}"
        case llm.RulesWanting():
            classes = counted(len(event.classes), "class is", "classes are")
            named = listed([shortened(name, 40) for name in event.classes], _NAMED)
            reason = shortened(event.reason.rstrip("."), 120)
            return f"{classes} left without a complete rule: {named} (for the first: {reason})"
        case llm.Inseparable():
            classes = counted(event.classes, "class", "classes")
            reason = shortened(event.reason, 160)
            return f"{classes} still have rules that others have too: {reason}"
        case llm.Dropped():
            reasons = "; ".join(shortened(reason, 160) for reason in event.reasons[:3])
            return f"{counted(len(event.reasons), event.what)} dropped: {reasons}"
        case llm.GivenToAnother():
            return (
                f"{event.purpose}: this request differs from the one that was recorded; the reply "
                "was given to that one, not to this"
            )
        case llm.RecordingSilent():
            return event.message
        case _:
            return None


def spent_words(spent: Spent) -> str:
    """Tokens and, where it is known, money; "" for nothing."""
    if not spent.tokens:
        return ""
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
