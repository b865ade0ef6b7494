"""Checks of a system's own words and rules, before any image is seen."""

import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from builder.system.model import AttributeGroup, AttributeSystem, Choice, json_key, quoted
from builder.system.names import folded

Kind = Literal[
    "identical-rules",
    "no-information",
    "unused-option",
    "near-duplicate-options",
    "repeated-group",
    "determined-group",
]
_ARTICLES = frozenset({"a", "an", "the"})


@dataclass(frozen=True, slots=True)
class Finding:
    """A weakness: its kind, its place in the system's JSON, and what it means."""

    kind: Kind
    path: str
    message: str


@dataclass(frozen=True, slots=True)
class Checks:
    """All findings, and the accuracy in (0, 1] that no encoder can exceed with these rules."""

    findings: tuple[Finding, ...]
    ceiling: float


def check(system: AttributeSystem, class_counts: Mapping[str, int] | None = None) -> Checks:
    """All findings, in the order of the kinds, and the accuracy ceiling.

    Classes with identical rules tie on every image, so that of each such set at most one class
    can be right: the ceiling is their number of sets over the number of classes, or with
    `class_counts` (images of each class) the images of each set's largest class over all. Counts
    of other classes are ignored. Raises ValueError when the system's classes have no image.
    """
    counts = dict.fromkeys(system.classes, 1)
    if class_counts is not None:
        counts = {name: class_counts.get(name, 0) for name in system.classes}
    total = sum(counts.values())
    if total == 0:
        raise ValueError("the classes of the system have no image to count")
    alike = _alike(system)
    findings = []
    for names in (names for names in alike if len(names) > 1):
        message = f"{_listed(names)} have identical rules: no group tells them apart"
        findings.append(Finding("identical-rules", f"rules{json_key(names[0])}", message))
    for index, group in enumerate(system.groups):
        findings.extend(_group_findings(system, index, group))
    findings.extend(_repeated_groups(system))
    ceiling = sum(max(counts[name] for name in names) for names in alike) / total
    return Checks(tuple(findings), ceiling)


def plain(option: str) -> str:
    """The text by which options are compared: without case, punctuation and article.

    Hyphens and blanks count as the same: "a wolf-like beast" is "Wolf like beast".
    """
    words = unicodedata.normalize("NFKC", option).casefold().split()
    text = "".join(word for word in words if word not in _ARTICLES)
    kept = "".join(letter for letter in text if not unicodedata.category(letter).startswith("P"))
    return kept or folded(option)


def _alike(system: AttributeSystem) -> list[list[str]]:
    """The classes in lists of identical rules, in order."""
    sets: dict[tuple[Choice, ...], list[str]] = {}
    rows = zip(*(_said(system, group) for group in system.groups), strict=True)
    for name, row in zip(system.rules, rows, strict=True):
        sets.setdefault(row, []).append(name)
    return list(sets.values())


def _said(system: AttributeSystem, group: AttributeGroup) -> list[Choice]:
    """What each class's rule says in the group; none named means all options."""
    return [choices[group.name] or group.options for choices in system.rules.values()]


def _group_findings(
    system: AttributeSystem, index: int, group: AttributeGroup
) -> Iterator[Finding]:
    path = f"groups[{index}]"
    choices = {choices[group.name] for choices in system.rules.values()}
    if len(set(_said(system, group))) == 1:
        chosen = "nothing" if () in choices else _listed(next(iter(choices)))
        message = f"every class has {chosen} in {quoted(group.name)}: it tells none apart (0 bits)"
        yield Finding("no-information", path, message)
    used = {option for choice in choices for option in choice}
    for place, option in enumerate(group.options):
        if option not in used:
            message = f"{quoted(option)} is in no class's rule"
            yield Finding("unused-option", f"{path}.options[{place}]", message)
    first: dict[str, str] = {}
    for place, option in enumerate(group.options):
        earlier = first.setdefault(plain(option), option)
        if earlier != option:
            message = (
                f"{quoted(option)} is {quoted(earlier)} but for case, an article or punctuation"
            )
            yield Finding("near-duplicate-options", f"{path}.options[{place}]", message)


def _repeated_groups(system: AttributeSystem) -> Iterator[Finding]:
    """Groups that say nothing new once another group is known.

    As the rules are certain, a group's mutual information with another over equally likely classes
    is its whole entropy exactly when the other's choice fixes its own.
    """
    columns = {group.name: _said(system, group) for group in system.groups}
    for index, (name, column) in enumerate(columns.items()):
        if len(set(column)) == 1:
            continue
        fixers = [other for other in columns if other != name and _fixes(columns[other], column)]
        same = [other for other in fixers if _fixes(column, columns[other])]
        earlier = [other for other in same if other in list(columns)[:index]]
        if earlier:
            message = f"{quoted(name)} divides the classes exactly as {_listed(earlier)}"
            yield Finding("repeated-group", f"groups[{index}]", message)
        elif finer := [other for other in fixers if other not in same]:
            message = f"{quoted(name)} adds 0 bits once {' or '.join(map(quoted, finer))} is known"
            yield Finding("determined-group", f"groups[{index}]", message)


def _fixes(column: list[Choice], other: list[Choice]) -> bool:
    """Whether the choice in `column` decides the choice in `other` for each class."""
    return len(set(zip(column, other, strict=True))) == len(set(column))


def _listed(names: Iterable[str]) -> str:
    *first, last = map(quoted, names)
    return f"{', '.join(first)} and {last}" if first else last
