"""A session's story: its versions side by side, then how each came to be."""

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.text import Text

from builder.edits.describe import SOURCES
from builder.scoring.wording import counted, effect, proven
from builder.session.classes import incomparable
from builder.session.confirmation import trial_of, trial_words
from builder.session.records import Decided
from builder.session.state import State, Version
from builder.session.story import Accepted, Delivery, Story, Stretch
from builder.session.versions import held_out_change
from builder.terminal.events import bits_words, optimised_words, source_words, summary
from builder.terminal.sentences import lock_told, proposal_told
from builder.terminal.tables import Rows, figures
from builder.terminal.text import LONG, indented, paragraphs, quoted, shortened

_DECIDERS = {"person": "you", "auto": "--auto"}


def log_screen(story: Story, costs: Sequence[str], total: str) -> RenderableType:
    """The whole story; `costs`: of the model, a stretch each, "" for none; `total`: of all."""
    state = story.state
    parts: list[RenderableType] = [Text(_size(state))]
    if story.drafted_by:
        parts.append(Text(f"First system from {source_words(story.drafted_by)}."))
    parts.append(Text())
    if state.versions:
        parts += [_table(story), *_note_on_best(state)]
        if lines := proof_lines(state):
            parts += [Text(), *map(Text, lines)]
    for stretch, cost in zip(story.stretches, costs, strict=True):
        if stretch.version or cost or not stretch.empty:
            parts += [Text(), *_stretch(stretch, story, cost)]
    if story.exports:
        parts.append(Text())
        parts += [Text(line) for line in map(_delivery, story.exports)]
    if state.final_looks:
        looks = counted(state.final_looks, "time")
        parts.append(Text(f"The final images were looked at {looks}."))
    if total:
        parts += [Text(), Text(f"The language model took {total} in all.")]
    return Group(*parts)


def proposer(decided: Decided) -> str:
    """Who proposed, e.g. "the data" or "you, from a proposal of the model"."""
    words = SOURCES[decided.proposal.source]
    if decided.instead_of is None or decided.instead_of.source == decided.proposal.source:
        return words
    return f"{words}, from a proposal of {SOURCES[decided.instead_of.source]}"


def proof_lines(state: State) -> list[str]:
    """Whether the best version is confirmed, and the looks at held-out images, a line each."""
    if not state.held_out_looks:
        return []
    trial = trial_of(state.versions, state.best)
    looks = f"Held-out images were looked at {counted(state.held_out_looks, 'time')}."
    return [f"The best {trial_words(trial)}.", looks] if trial else [looks]


def _size(state: State) -> str:
    classes = counted(len((state.system or state.started).classes), "class", "classes")
    rounds = counted(state.round - 1, "round")
    versions = counted(len(state.versions), "version")
    return f"{shortened(state.started.domain)}: {classes}, {rounds} finished, {versions}."


def _table(story: Story) -> Rows:
    rows = []
    for stretch in story.stretches:
        version = stretch.version
        if version is None:
            continue
        best = " (best)" if version.number == story.state.best else ""
        name = f"version {version.number}{best}"
        measured = figures(version.correct, len(version.held_out))
        rows.append((name, *measured, _change(stretch.previous, version)))
    headers = ("on held-out images", "correct", "accuracy", "95 % interval", "since the one before")
    return Rows(headers, rows, right=frozenset({1, 2, 3}))


def _change(previous: Version | None, version: Version) -> str:
    if previous is None:
        return ""
    change = held_out_change(previous, version)
    return proven(change) if change else f"on {incomparable(previous, version)}"


def _note_on_best(state: State) -> list[RenderableType]:
    last = state.versions[-1]
    best = state.best_version
    if best is None or best is last:
        return []
    return [Text(), Text(f"Version {best.number} is the best, and what an export takes.")]


def _stretch(stretch: Stretch, story: Story, cost: str) -> list[RenderableType]:
    lines: list[RenderableType] = [Text(_title(stretch, story), style="bold")]
    if stretch.back_to is not None:
        lines.append(indented(f"Back to version {stretch.back_to}."))
    lines += [indented(f"Taken back: {summary(p, limit=LONG)}") for p in stretch.taken_back]
    for accepted in stretch.accepted:
        lines += _accepted(accepted)
    for rejected in stretch.rejected:
        lines += _rejected(rejected)
    if stretch.skipped:
        lines.append(indented(f"{counted(stretch.skipped, 'proposal')} skipped."))
    lines += [indented(f"Locked: {shortened(lock_told(lock))}.") for lock in stretch.locked]
    lines += [indented(f"Unlocked: {shortened(lock_told(lock))}.") for lock in stretch.unlocked]
    lines += [indented(optimised_words(run)) for run in stretch.optimised]
    lines += [indented(f"Note: {quoted(note, LONG)}") for note in stretch.notes]
    if cost:
        lines.append(indented(f"Language model: {cost}."))
    return lines


def _title(stretch: Stretch, story: Story) -> str:
    if stretch.version is None:
        if story.state.started.images is None:
            return "Without images nothing is measured"
        since = "Since then" if story.state.versions else "Up to now"
        return f"{since}, not measured yet" if story.unmeasured else since
    after = f", after {counted(stretch.rounds, 'round')}" if stretch.rounds else ""
    return f"Version {stretch.version.number}{after}, {stretch.at[:16].replace('T', ' ')} UTC"


def _accepted(accepted: Accepted) -> list[RenderableType]:
    decided = accepted.decided
    head = f"From {proposer(decided)}, accepted by {_DECIDERS[decided.by]}"
    if decided.proposal.source == decided.by == "person" and decided.instead_of is None:
        head = "Your change"
    measured = f": {effect(decided.effect)} on review" if decided.effect else ""
    lines = [indented(head + measured)]
    described = proposal_told(decided.proposal, accepted.before)
    lines += [indented(line, by=4) for line in paragraphs(described)]
    return lines


def _rejected(decided: Decided) -> list[RenderableType]:
    """What was rejected, whose it was, and why: less than is told of what was accepted."""
    what = summary(decided.proposal, limit=LONG)
    lines = [indented(f"Rejected, from {proposer(decided)}: {what}")]
    if decided.reason:
        lines.append(indented(shortened(decided.reason, LONG), by=4))
    return lines


def _delivery(delivery: Delivery) -> str:
    record = delivery.record
    what = f"version {record.version}" if record.version else "the system, never measured,"
    line = f"Exported {what} to {shortened(record.path, LONG)}"
    if record.final is None:
        return f"{line}."
    look = "" if delivery.looked else ", as seen before"
    return f"{line}; on the final images: {bits_words(record.final)}{look}."
