"""Which label of the data means which class: its very spelling first, then one without doubt."""

import difflib
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from builder.system.names import exact, normal_form

# A search among ten thousand labels takes a tenth of a second.
_SEARCHES = 20


@dataclass(frozen=True, slots=True)
class Matched:
    """A label that is spelled otherwise than its class, and how many usable images bear it."""

    label: str
    class_name: str
    count: int


@dataclass(frozen=True, slots=True)
class Mismatch:
    """A name that matches nothing, and what it was compared with that is most like it."""

    name: str
    nearest: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Matching:
    """`classes`: label -> class, for each label that has one; `respelled`: labels that are not
    spelled like their class; `class_names`: all classes."""

    classes: Mapping[str, str]
    respelled: tuple[str, ...]
    class_names: Sequence[str]

    def matched(self, counts: Mapping[str, int]) -> tuple[Matched, ...]:
        """The respelled labels with their classes; `counts`: label -> its usable images."""
        return tuple(
            Matched(label, self.classes[label], counts.get(label, 0)) for label in self.respelled
        )


def match_labels(
    labels: Iterable[str], class_names: Sequence[str], spelled: Callable[[str], str] = exact
) -> Matching:
    """The classes that labels mean.

    A label that is `spelled(class)` but for NFC means that class. Any other means the class of the
    same normal form if no other class and no other spelling in the data has that form.
    `spelled` must tell all classes apart.
    """
    distinct = tuple(dict.fromkeys(labels))
    class_of = {spelled(name): name for name in class_names}
    spellings: defaultdict[str, set[str]] = defaultdict(set)
    for label in distinct:
        spellings[normal_form(label)].add(exact(label))
    owners: defaultdict[str, set[str]] = defaultdict(set)
    for spelling, name in class_of.items():
        owners[normal_form(spelling)].add(name)

    classes: dict[str, str] = {}
    respelled: list[str] = []
    for label in distinct:
        form = normal_form(label)
        if exact(label) in class_of:
            classes[label] = class_of[exact(label)]
        elif len(owners[form]) == 1 and len(spellings[form]) == 1:
            (classes[label],) = owners[form]
            respelled.append(label)
    return Matching(classes, tuple(respelled), class_names)


def by_form(
    names: Iterable[str], spelled: Callable[[str], str] = exact
) -> dict[str, tuple[str, ...]]:
    """Normal form -> the names that have it: what `nearest` searches."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    for name in names:
        found[normal_form(spelled(name))].append(name)
    return {form: tuple(of_form) for form, of_form in found.items()}


def nearest(name: str, candidates: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    """The candidates (from `by_form`) of the name's own normal form; if there are none, those of
    up to three forms, most alike first; maybe none."""
    form = normal_form(name)
    if form in candidates:
        return candidates[form]
    close = difflib.get_close_matches(form, candidates, n=3, cutoff=0.6)
    return tuple(candidate for form in close for candidate in candidates[form])


def nearest_labels(
    names: Sequence[str], labels: Iterable[str], found: Collection[str] = ()
) -> tuple[Mismatch, ...]:
    """For each name the labels, all of which mean no name, that are most like it.

    A name in `found` is listed only if a label has its normal form. After twenty searches the
    names that are left are listed with nothing.
    """
    candidates = by_form(sorted(labels))
    mismatches: list[Mismatch] = []
    searches = 0
    for name in names:
        same = normal_form(name) in candidates
        if name in found and not same:
            continue
        searches += not same
        near = nearest(name, candidates) if searches <= _SEARCHES else ()
        mismatches.append(Mismatch(name, near))
    return tuple(mismatches)
