"""The request to a language model: the confused pairs, and all it needs to mend them.

A question with every rule of a large system is long, dear and read without care. What is told
comes from review images alone.
"""

import re
from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet

from builder.diagnosis.confusions import ConfusedPair, RuleEvidence, rule_evidence
from builder.edits.describe import describe_proposal
from builder.edits.renames import Renames
from builder.proposals.requests import Past, RevisionRequest
from builder.review.findings import Findings
from builder.session.records import Decided
from builder.session.state import State
from builder.system.model import AttributeSystem
from builder.system.names import normal_form

# Ten confused pairs are up to 20 classes: all of a system that is hardly larger cost little more,
# and with all in view a model sees which other classes a change would touch.
SMALL = 25
# How many classes at most are shown because a note names them.
_MOST_NAMED = 20
# Per class, the groups that are told of; in the others its images see more of what the rule says.
_MOST_GROUPS = 6
_MOST_PAST = 30
_MOST_EDITS = 4
# Not between two ASCII letters or digits.
_APART = "(?:(?<![a-z0-9])|(?![a-z0-9]))"


def revision_request(
    state: State,
    system: AttributeSystem,
    findings: Findings | None,
    locks: tuple[str, ...] = (),
) -> RevisionRequest:
    """What the language model is told of `system` in this state.

    `findings` are the system's; None without images. `locks`: what must stay, in words.
    """
    pairs = findings.pairs if findings else ()
    return RevisionRequest(
        system=system,
        confusions=tuple(_confusion(pair) for pair in pairs),
        weak_groups=tuple(g.words() for g in findings.groups if g.weak) if findings else (),
        notes=state.notes,
        earlier_notes=state.told,
        past=_past(state.decisions),
        descriptions=class_descriptions(state),
        context=state.started.context,
        classes=classes_to_show(system, pairs, (*state.told, *state.notes)),
        seen=_seen(rule_evidence(findings.review, system), pairs) if findings else (),
        locks=locks,
    )


def class_descriptions(state: State) -> dict[str, str]:
    """The class descriptions by the classes' present names."""
    classes = state.started.classes
    names = state.steps[-1].names if state.steps else Renames()
    named = names.labels(each.name for each in classes)
    return {name: each.description for name, each in zip(named, classes, strict=True) if name}


def classes_to_show(
    system: AttributeSystem, pairs: Iterable[ConfusedPair] = (), notes: Sequence[str] = ()
) -> tuple[str, ...]:
    """The classes to show, in order: all up to `SMALL`, else those of the pairs and notes.

    Of the classes that a note names at most 20 are shown.
    """
    if len(system.classes) <= SMALL:
        return system.classes
    confused = {name for pair in pairs for name in (pair.first, pair.second)}
    # Names and notes are compared however somebody typed them. Only ASCII letters and digits bind
    # each other: "Absol的角" names Absol, "皮卡丘3号" 皮卡丘.
    text = "\n".join(map(normal_form, notes))
    word = f"{_APART}{{}}{_APART}"
    named = [
        name
        for name in system.classes
        if name not in confused and re.search(word.format(re.escape(normal_form(name))), text)
    ]
    shown = confused.union(named[:_MOST_NAMED])
    return tuple(name for name in system.classes if name in shown)


def _confusion(pair: ConfusedPair) -> str:
    if any(part > 0.5 for _, part in pair.separating_groups):
        return pair.words()
    return f"{pair.words()}; they need a new group, or other rules"


def _seen(
    evidence: Iterable[RuleEvidence], pairs: Iterable[ConfusedPair]
) -> tuple[RuleEvidence, ...]:
    """Where images of the pairs' classes see something else than their rules say.

    Per class at most 6 groups: those that should tell it from its partner first, of these and of
    the others the most at odds.
    """
    separating: dict[str, set[str]] = {}
    for pair in pairs:
        for name in (pair.first, pair.second):
            separating.setdefault(name, set()).update(g for g, _ in pair.separating_groups)
    at_odds: dict[str, list[RuleEvidence]] = {name: [] for name in separating}
    for found in evidence:
        if found.class_name in separating and _disagrees(found):
            at_odds[found.class_name].append(found)
    return tuple(
        found
        for name, several in at_odds.items()
        for found in _most_telling(several, separating[name])
    )


def _most_telling(several: list[RuleEvidence], separating: AbstractSet[str]) -> list[RuleEvidence]:
    several.sort(key=lambda found: (found.group not in separating, _agreeing(found)))
    return several[:_MOST_GROUPS]


def _disagrees(found: RuleEvidence) -> bool:
    """Whether a quarter of the images or more see nothing that the rule names."""
    return bool(found.rule) and 4 * (found.n - _agreeing(found)) >= found.n


def _agreeing(found: RuleEvidence) -> int:
    """How many images see what the rule names."""
    return sum(count for option, count in found.chosen if option in found.rule)


def _past(decisions: Sequence[Decided]) -> tuple[Past, ...]:
    """The last 30 accepted or rejected proposals, in order; of equal words only the latest."""
    latest: dict[str, Past] = {}
    for decided in reversed(decisions):
        if decided.decision == "skipped" or len(latest) == _MOST_PAST:
            continue
        words = _few_lines(describe_proposal(decided.proposal))
        effect = f"{decided.effect.words()} on review images" if decided.effect else ""
        latest.setdefault(words, Past(words, decided.decision, effect, decided.reason))
    return tuple(reversed(latest.values()))


def _few_lines(text: str) -> str:
    lines = text.split("\n")
    rest = len(lines) - _MOST_EDITS
    return "; ".join(lines if rest <= 0 else [*lines[:_MOST_EDITS], f"and {rest} more edits"])
