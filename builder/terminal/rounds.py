"""The round's screen, read from the top: did it help, what is wrong, what would fix it?"""

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.text import Text

from builder.edits.describe import SOURCES
from builder.review.findings import Findings
from builder.review.view import Offer, View
from builder.scoring.beside_accuracy import beside_accuracy
from builder.scoring.statistics import Change, compare
from builder.scoring.wording import beside, counted, effect, percent, points, proven
from builder.session.confirmation import confirmed
from builder.session.state import State, Version, from_bits, needs_measuring
from builder.system.model import AttributeSystem
from builder.terminal.changes import changes_block
from builder.terminal.diagnosis_tables import class_table, pair_table, weak_table, worst_classes
from builder.terminal.log import proof_lines
from builder.terminal.sentences import lock_told, proposal_told, reason_told
from builder.terminal.tables import Rows, accuracy_words, figures
from builder.terminal.text import LONG, indented, listed, paragraphs, quoted, shortened

_PAIRS, _CLASSES, _GROUPS, _OFFERS = 5, 5, 5, 6


def round_screen(view: View) -> RenderableType:
    """Everything a person needs to decide, in the order of their questions."""
    title = f"Round {view.state.round} · {shortened(view.system.domain, 40)}"
    parts: list[RenderableType] = [Text(), Text(title, style="bold underline")]
    if view.findings is None:
        parts.append(_size(view.system))
    else:
        parts += _did_it_help(view.state, view.findings)
        parts += changes_block(view.state, view.findings)
        parts += _what_is_wrong(view.findings)
    if without := view.system.without_rules:
        parts += [Text(), Text(_no_rules(without), style="bold")]
    parts += _what_would_fix_it(view)
    # Without images and model there is nothing to stop: the person alone moves it.
    if view.stop and (view.findings or view.can_ask):
        words = f"This may be the time to stop: {shortened(view.stop, LONG)}."
        parts += [Text(), Text(words, style="bold")]
    # The last line of all: what stands further up may have left the screen.
    if view.findings and (worse := _worse_than_names(view.state, view.findings)):
        parts += [Text(), Text(worse, style="bold red")]
    return Group(*parts)


def offer_block(name: str, offer: Offer, system: AttributeSystem) -> RenderableType:
    """One proposal under a name: its measured effect, its source, what it changes and why."""
    head = f"{name} {effect(offer.effect)}" if offer.effect else name
    if offer.alone and offer.alone != offer.effect:
        head += f", alone {effect(offer.alone)}"
    # "Your change" says already whose it is.
    source = offer.proposal.source
    by = "" if source == "person" else f" · {SOURCES[source].removeprefix('the ')}"
    lines: list[RenderableType] = [Text.assemble((head, "bold"), by)]
    lines += [indented(line, 3) for line in paragraphs(proposal_told(offer.proposal, system))]
    reason = reason_told(offer.proposal, system)
    lines += [indented(line, 3, "dim") for line in paragraphs(reason)[:4]]
    return Group(*lines)


def status_line(view: View) -> str:
    """Where the last version and the working system stand, in one line of 80 columns."""
    if view.findings is None:
        return f"{counted(len(view.offers), 'proposal')} left; nothing is scored"
    parts = []
    if (versions := view.state.versions) and (last := versions[-1]).held_out:
        best = "best" if view.state.best == last.number else f"best: {view.state.best}"
        held_out = percent(last.correct, len(last.held_out))
        parts.append(f"held-out {held_out} (version {last.number}, {best})")
    review = view.findings.review
    if review.n:
        parts.append(f"review {percent(int(review.correct.sum()), review.n)}")
        if change := _change_since_last(view.state, view.findings):
            parts[-1] += f" ({change.fixed} fixed, {change.broken} broken since)"
    else:
        parts.append("no review images")
    line = " · ".join(parts)
    return line[0].upper() + line[1:]


def proposals_left(view: View) -> str:
    """Where the working system stands, and how many proposals there are to decide on."""
    parts = [f"{counted(len(view.offers), 'proposal')} left"]
    if view.findings and view.findings.review.n:
        review = view.findings.review
        parts.insert(0, f"Review {percent(int(review.correct.sum()), review.n)}")
        parts.append(f"best of {view.state.tried:,} tried")
    return " · ".join(parts)


def final_note(state: State) -> str:
    """Whether there is an untouched estimate to be had at export."""
    size = sum(split == "final" for split in state.splits.values())
    if not size:
        return "No final split: these are too few images for an untouched estimate."
    if state.final_looks:
        looks = counted(state.final_looks, "time")
        return f"The final {counted(size, 'image')} were looked at {looks}: no longer untouched."
    return f"The final {counted(size, 'image')} are untouched; the export measures on them once."


def unknown_words(words: Sequence[str]) -> RenderableType:
    """A note on words of options that the encoder has never learnt."""
    named = listed([quoted(word, 30) for word in words], 20)
    return Text(f"The encoder has never seen {named}: other words may work better.")


def _did_it_help(state: State, findings: Findings) -> list[RenderableType]:
    parts: list[RenderableType] = [_heading("Did it help?")]
    best_name = _best_baseline(findings)
    last_proven = confirmed(state.versions)
    rows = [
        (_version_name(v, state, last_proven), *figures(v.correct, len(v.held_out)))
        for v in _shown_versions(state, last_proven)
    ]
    for name, scores in findings.baselines.items():
        best = " (best)" if name == best_name and len(findings.baselines) > 1 else ""
        row = f"names as {quoted(name, 30)}{best}"
        rows.append((row, *figures(int(scores.correct.sum()), scores.n)))
    header = ("on held-out images", "correct", "accuracy", "95 % interval")
    parts += [Rows(header, rows, right=frozenset({1, 2, 3})), Text()]
    parts += [Text(line) for line in _comparisons(state, findings, best_name)]
    parts += [Text(line) for line in proof_lines(state)]
    parts.append(Text(final_note(state), style="dim"))
    return parts


def _shown_versions(state: State, last_proven: int | None) -> list[Version]:
    """The last two, the best and the last that was confirmed: all that a decision needs."""
    wanted = {state.best, last_proven, *(version.number for version in state.versions[-2:])}
    return [version for version in reversed(state.versions) if version.number in wanted]


def _version_name(version: Version, state: State, last_proven: int | None) -> str:
    roles = {
        "the draft": version.number == 1,
        "the last": version is state.versions[-1] and version.number > 1,
        "the best": version.number == state.best,
        "confirmed": version.number == last_proven,
    }
    played = ", ".join(role for role, holds in roles.items() if holds)
    return f"version {version.number}" + (f" ({played})" if played else "")


def _best_baseline(findings: Findings) -> str | None:
    names = findings.baselines
    return max(names, key=lambda name: int(names[name].correct.sum()), default=None)


def _worse_than_names(state: State, findings: Findings) -> str:
    """A warning when the names alone do better than the last version on held-out images."""
    name = _best_baseline(findings)
    if name is None or not state.versions:
        return ""
    last, names = state.versions[-1], findings.baselines[name]
    right = int(names.correct.sum())
    if last.images != findings.images or last.correct >= right:
        return ""
    return (
        f"Worse than matching names: version {last.number} has {last.correct} of {names.n} "
        f"held-out images correct, names as {quoted(name, 30)} have {right}."
    )


def _comparisons(state: State, findings: Findings, best_name: str | None) -> list[str]:
    lines = []
    if state.versions and best_name is not None:
        last, names = state.versions[-1], findings.baselines[best_name]
        if last.images == findings.images:
            change = compare(names.correct, from_bits(last.held_out))
            lines.append(
                f"Version {last.number} against the best baseline: {points(change.points)} "
                f"({proven(change)})."
            )
    if held_out := beside(_held_out_figures(state, findings)):
        lines.append(f"Version {state.versions[-1].number} on held-out images: {held_out}.")
    review = findings.review
    where = accuracy_words(int(review.correct.sum()), review.n)
    if more := beside(beside_accuracy(review.correct, findings.labels("review"), review)):
        where += f"; {more}"
    lines.append(f"On review images: {where}." if review.n else "No review images.")
    return lines


def _held_out_figures(state: State, findings: Findings) -> dict[str, float]:
    """What the journal tells of the last version: to score the working system is another look."""
    if needs_measuring(state) or state.versions[-1].images != findings.images:
        return {}
    correct = from_bits(state.versions[-1].held_out)
    return beside_accuracy(correct, findings.labels("held_out"))


def _change_since_last(state: State, findings: Findings) -> Change | None:
    """None when nothing changed that the last version does not have, or the images did."""
    if not state.versions or state.versions[-1].images != findings.images:
        return None
    if not needs_measuring(state):
        return None
    return compare(from_bits(state.versions[-1].review), findings.review.correct)


def _what_is_wrong(findings: Findings) -> list[RenderableType]:
    if not findings.review.n:
        few = "There are too few images to review: what is wrong can't be told from any."
        return [Text(), Text(few)]
    parts: list[RenderableType] = [_heading("What is wrong? (review images)")]
    if findings.review.ties:
        tied = counted(findings.review.ties, "image")
        parts.append(Text(f"{tied} tied between classes with equal scores; class order decided."))
    worst = worst_classes(findings.classes, _CLASSES)
    if not worst:
        return [*parts, Text("Every review image is classified correctly.")]
    if findings.pairs:
        parts += [pair_table(findings.pairs[:_PAIRS]), Text()]
    parts.append(class_table(worst))
    if len(findings.classes) > len(worst):
        total = counted(len(findings.classes), "class", "classes")
        parts.append(Text(f"The worst of {total}; c shows all.", style="dim"))
    weak = [group for group in findings.groups if group.weak]
    if weak:
        parts += [Text(), Text("Weak groups: without one of them no fewer images are correct.")]
        parts.append(weak_table(weak[:_GROUPS]))
        parts.append(Text("g shows all groups with all measures.", style="dim"))
    return parts


def _what_would_fix_it(view: View) -> list[RenderableType]:
    parts: list[RenderableType] = [_heading("What would fix it?")]
    for number, offer in enumerate(view.offers[:_OFFERS], start=1):
        if number > 1:
            parts.append(Text())
        parts.append(offer_block(f"{number}.", offer, view.system))
    if len(view.offers) > _OFFERS:
        rest = counted(len(view.offers) - _OFFERS, "more proposal")
        parts.append(Text(f"\n{rest}; p goes through all of them.", style="dim"))
    if not view.offers:
        parts.append(Text("No proposals. You can edit by hand (e)."))
    elif view.findings is not None:
        tried = f"Best of {view.state.tried:,} tried, fitted on these images"
        parts += [Text(), Text(f"{tried}: expect less elsewhere.", style="dim")]
    if view.locked:
        locked = counted(view.locked, "proposal is", "proposals are")
        parts.append(Text(f"{locked} left out, for a lock on what would change.", style="dim"))
    if view.state.locks:
        locks = listed([shortened(lock_told(lock), 40) for lock in view.state.locks], 6)
        parts.append(Text(f"Locked: {locks}.", style="dim"))
    if view.unfit:
        unfit = counted(view.unfit, "proposal no longer fits", "proposals no longer fit")
        parts.append(Text(f"{unfit} the system as it is now.", style="dim"))
    for note in view.state.told[-3:]:
        parts.append(Text(f"Note to the model: {shortened(note, LONG)}", style="dim"))
    for note in view.state.notes:
        parts.append(Text(f"Note, not sent yet: {shortened(note, LONG)}", style="dim"))
    return parts


def _size(system: AttributeSystem) -> RenderableType:
    groups = ", ".join(f"{shortened(g.name, 30)} ({len(g.options)})" for g in system.groups)
    lines = (
        "No images: nothing is scored, and no effect can be measured.",
        f"{counted(len(system.classes), 'class', 'classes')}. Groups with their options: {groups}.",
    )
    return Group(Text(), *(Text(line) for line in lines))


def _no_rules(classes: Sequence[str]) -> str:
    named = listed([shortened(name, 40) for name in classes], 10)
    have = "has" if len(classes) == 1 else "have"
    return f"{counted(len(classes), 'class', 'classes')} {have} no rules yet: {named}."


def _heading(words: str) -> RenderableType:
    return Group(Text(), Text(words, style="bold"))
