"""A session's story: its versions side by side, then how each came to be."""

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from builder.edits.describe import SOURCES, describe_proposal
from builder.edits.locks import lock_words
from builder.scoring.wording import (
    accuracy,
    accuracy_interval,
    counted,
    effect,
    percent,
    proven,
)
from builder.session.classes import incomparable
from builder.session.confirmation import trial_of, trial_words
from builder.session.records import Decided
from builder.session.state import State, Version
from builder.session.story import Accepted, Delivery, Story, Stretch
from builder.session.versions import held_out_change
from builder.terminal.events import optimised_words, source_words
from builder.terminal.tables import Rows
from builder.terminal.text import LONG, paragraphs, plain, quoted, shortened

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
        n = len(version.held_out)
        rows.append(
            (
                f"version {version.number}{best}",
                f"{version.correct} of {n}" if n else "no images",
                percent(version.correct, n) if n else "",
                accuracy_interval(version.correct, n),
                _change(stretch.previous, version),
            )
        )
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
        lines.append(_line(f"Back to version {stretch.back_to}."))
    lines += [_line(_taken_back(describe_proposal(p))) for p in stretch.taken_back]
    for accepted in stretch.accepted:
        lines += _accepted(accepted)
    for rejected in stretch.rejected:
        lines += _rejected(rejected)
    if stretch.skipped:
        lines.append(_line(f"{counted(stretch.skipped, 'proposal')} skipped."))
    lines += [_line(f"Locked: {shortened(lock_words(lock))}.") for lock in stretch.locked]
    lines += [_line(f"Unlocked: {shortened(lock_words(lock))}.") for lock in stretch.unlocked]
    lines += [_line(optimised_words(run)) for run in stretch.optimised]
    lines += [_line(f"Note: {quoted(note, LONG)}") for note in stretch.notes]
    if cost:
        lines.append(_line(f"Language model: {cost}."))
    return lines


def _title(stretch: Stretch, story: Story) -> str:
    if stretch.version is None:
        if story.state.started.images is None:
            return "Without images nothing is measured"
        since = "Since then" if story.state.versions else "Up to now"
        return f"{since}, not measured yet" if story.unmeasured else since
    after = f", after {counted(stretch.rounds, 'round')}" if stretch.rounds else ""
    return f"Version {stretch.version.number}{after}, {stretch.at[:16].replace('T', ' ')} UTC"


def _taken_back(described: str) -> str:
    first, *others = described.splitlines()
    more = f" and {counted(len(others), 'more edit')}" if others else ""
    return f"Taken back: {shortened(first, LONG)}{more}"


def _accepted(accepted: Accepted) -> list[RenderableType]:
    decided = accepted.decided
    head = f"From {proposer(decided)}, accepted by {_DECIDERS[decided.by]}"
    if decided.proposal.source == decided.by == "person" and decided.instead_of is None:
        head = "Your change"
    measured = f": {effect(decided.effect)} on review" if decided.effect else ""
    lines = [_line(head + measured)]
    described = describe_proposal(decided.proposal, accepted.before)
    lines += [_line(line, indent=4) for line in paragraphs(described)]
    return lines


def _rejected(decided: Decided) -> list[RenderableType]:
    """What was rejected, whose it was, and why: less than is told of what was accepted."""
    first, *others = describe_proposal(decided.proposal).splitlines()
    more = f" and {counted(len(others), 'more edit')}" if others else ""
    lines = [_line(f"Rejected, from {proposer(decided)}: {shortened(first, LONG)}{more}")]
    if decided.reason:
        lines.append(_line(shortened(decided.reason, LONG), indent=4))
    return lines


def _delivery(delivery: Delivery) -> str:
    record = delivery.record
    what = f"version {record.version}" if record.version else "the system, never measured,"
    line = f"Exported {what} to {shortened(record.path, LONG)}"
    if record.final is None:
        return f"{line}."
    correct, n = record.final.count("1"), len(record.final)
    look = "" if delivery.looked else ", as seen before"
    figures = f"{accuracy(correct, n)} ({accuracy_interval(correct, n)})"
    return f"{line}; on the final images: {figures}{look}."


def _line(words: str, indent: int = 2) -> RenderableType:
    return Padding(plain(words, 2 * LONG), (0, 0, 0, indent), expand=False)
