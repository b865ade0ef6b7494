"""Proposals from data alone: rules that images contradict, and groups that do nothing."""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice

import numpy as np

from builder.diagnosis import confusions
from builder.diagnosis.confusions import ConfusedPair, RuleEvidence
from builder.diagnosis.groups import GroupReport
from builder.diagnosis.permutation_test import null_tests
from builder.edits.model import DropGroup, DropOption, Edit, Proposal, SetRule
from builder.proposals.first_rules import FEWEST, first_rules, rules_in
from builder.scoring.score import Scores
from builder.scoring.statistics import wilson
from builder.system.model import AttributeSystem, Choice

# A change of rules is fitted on few images: these bounds keep out what obviously does nothing, and
# leave the rest to the evaluator, which measures every proposal.
_CLEARLY = 2  # times as many images
# A person goes through a list one by one: a hundred proposals are a long evening.
_MOST = 20  # of each kind
_PAIRS = 50  # looked at


def suggest(
    scores: Scores,
    system: AttributeSystem,
    *,
    seed: int = 0,
    unwanted: Callable[[Proposal], bool] = lambda _: False,
) -> tuple[Proposal, ...]:
    """Proposals for the system from its scores, each once; their source is "data".

    An image chooses its likeliest option. Six kinds, in this order, each strongest first and at
    most 20, so that the list stays readable with any number of classes; what is left comes up
    once these are accepted or rejected. What is `unwanted` takes no place.

    0. The first rules of a class that has none: in every group the option that the most of its
       images choose, at least 2, or several as in 3. What 1 to 3 say of it is left until then.
    1. A missing distinction. Two classes confused at least twice whose rules differ in no group,
       or only in groups nearer to a coin than to certainty: the option that the most images of one
       choose becomes its rule, if neither's rule names it and the 95 % intervals of how many images
       of each choose it don't meet. (The best of many options is looked for, and chance alone can
       make that look good.) At most one for each of the two classes, in the 50 most confused pairs.
    2. A rule corrected: the option that at least 2 images and more than half of the class's choose,
       at least twice as many as choose the rule's.
    3. Several options, where a class's images split: two options that at least 2 images each and
       more than half together choose, neither twice as many as the other, both at least twice as
       many as any third. (Then at least half as many more as choose the present rule's.)
    4. A group dropped: one that does not beat its shuffled rules, where that can be told. One group
       is always left.
    5. An option dropped that no image chooses, as long as 2 remain. Classes that name it and
       nothing else take what most of their own images choose, and each has at least 2 images:
       an option is not unchosen because nobody looked. Those that no rule names come last.

    2 and 3 want a larger part of the class's images than of the other classes': what all images
    choose says nothing about a class. 1 to 3 leave rules of several options to a person. Strength
    is: the number of the class's images (0); how often the pair is confused; the number of images
    beyond those that choose the rule's (2, 3); p (4); the number of images of the classes that name
    it (5).
    """
    if not scores.n:
        return ()
    taken: set[str] = set()
    whole = _review(scores, system)
    several = {(c.evidence.class_name, c.evidence.group): c.options for c in _split(whole)}
    given = first_rules(whole.evidence.values(), several, system)
    first = tuple(islice(_new(given, taken, unwanted), _MOST))
    review = whole.without({edit.class_name for edit in rules_in(first)})
    kinds = (
        _distinctions(scores, system, review),
        _strongest(_contradicted(review)),
        _strongest(_split(review)),
        chance_groups(scores, system, seed=seed),
        unchosen_options(scores, system),
    )
    found = (p for kind in kinds for p in islice(_new(kind, taken, unwanted), _MOST))
    return (*first, *found)


def chance_groups(scores: Scores, system: AttributeSystem, *, seed: int) -> Iterator[Proposal]:
    """Drops of the groups that can't beat their shuffled rules, greatest p first; never of all."""
    tests = null_tests(scores, system, seed=seed)
    by_chance = sorted(
        (test for test in tests if test.can_tell and not test.beats), key=lambda test: -test.p
    )
    # Each proposal must still apply after all others were accepted.
    for test in by_chance[: len(system.groups) - 1]:
        reason = (
            "its rules fit the review images no better than when they are shuffled over the "
            f"classes ({test.permutations} shuffles, p = {test.p:.3f})"
        )
        yield _proposal(reason, DropGroup(group=test.group))


def weak_groups(reports: Iterable[GroupReport]) -> Iterator[Proposal]:
    """Drops of the groups without which more images are correct, the largest gain first."""
    weak = [(r.without, r.name) for r in reports if r.without and r.without.points > 0]
    for without, name in sorted(weak, key=lambda found: -found[0].points):
        change = f"{without.fixed} fixed, {without.broken} broken"
        reason = f"more review images are correct without it ({change})"
        yield _proposal(reason, DropGroup(group=name))


def unchosen_options(scores: Scores, system: AttributeSystem) -> Iterator[Proposal]:
    """Drops of the options that no image chooses; at least 2 are left in each group.

    First those named by the rules of the classes with the most images, 2 or more of each class;
    last those that no rule names. A class that names nothing else takes what most of its own
    images choose.
    """
    evidence = confusions.rule_evidence(scores, system)
    cases = []
    for group, p in zip(system.groups, scores.probabilities, strict=True):
        chosen = {group.options[option] for option in np.unique(p.argmax(axis=1)).tolist()}
        unchosen = [option for option in group.options if option not in chosen]
        known = {e.class_name: e for e in evidence if e.group == group.name and e.n >= FEWEST}
        users = {
            option: [name for name, rule in system.rules.items() if option in rule[group.name]]
            for option in unchosen
        }
        droppable = [option for option in unchosen if known.keys() >= set(users[option])]
        # Where only some can go, those that are in no rule go first.
        droppable.sort(key=lambda option: bool(users[option]))
        # Each proposal must still apply after the others of its group were accepted.
        for option in droppable[: len(group.options) - 2]:
            named_by = [known[name] for name in users[option]]
            edits = _edits_to_drop(group.name, option, named_by, unchosen)
            reason = _reason(option, users[option], scores.n)
            cases.append((sum(e.n for e in named_by), _proposal(reason, *edits)))
    cases.sort(key=lambda case: -case[0])
    return (proposal for _, proposal in cases)


def _edits_to_drop(
    group: str, option: str, users: Sequence[RuleEvidence], unchosen: Collection[str]
) -> Iterator[Edit]:
    """The drop, with what most users take instead; before it, the rules of the other users."""
    after = {
        user: tuple(named for named in user.rule if named not in unchosen) or (user.chosen[0][0],)
        for user in users
    }
    common = Counter(after[user] for user in users if user.rule == (option,)).most_common(1)
    instead = common[0][0] if common else ()
    for user, rule in after.items():
        if {*instead, *user.rule} - {option} != set(rule):
            yield SetRule(class_name=user.class_name, group=group, options=rule)
    yield DropOption(group=group, option=option, replacement=instead[0] if instead else None)


def _reason(option: str, users: Sequence[str], images: int) -> str:
    if not users:
        return f'no rule names "{option}", and none of {images} review images see it'
    which = f'the rule of "{users[0]}" names'
    if len(users) > 1:
        which = f"the rules of {len(users)} classes name"
    return f'none of {images} review images see "{option}", which {which}'


def _new(
    proposals: Iterable[Proposal], taken: set[str], unwanted: Callable[[Proposal], bool]
) -> Iterator[Proposal]:
    """The wanted proposals whose edits are not taken yet; marks them as taken."""
    for proposal in proposals:
        if proposal.key not in taken and not unwanted(proposal):
            taken.add(proposal.key)
            yield proposal


def _proposal(reason: str, *edits: Edit) -> Proposal:
    return Proposal(edits=edits, source="data", reason=reason)


@dataclass(frozen=True, slots=True)
class _Review:
    """What the images of known classes choose, counted.

    evidence: by class, then group, where the class has images. totals: images of all classes, by
    group, then option. images: their number.
    """

    evidence: Mapping[tuple[str, str], RuleEvidence]
    totals: Mapping[str, Mapping[str, int]]
    images: int

    def without(self, classes: Collection[str]) -> "_Review":
        """What is left when nothing is asked about these classes."""
        kept = {key: found for key, found in self.evidence.items() if key[0] not in classes}
        return replace(self, evidence=kept)

    def typical(self, evidence: RuleEvidence, option: str) -> bool:
        """Whether a larger part of the class's images choose it than of the other classes'."""
        seen = _count(evidence, option)
        elsewhere, others = self.totals[evidence.group][option] - seen, self.images - evidence.n
        # seen / n > elsewhere / others, without dividing by 0.
        return others == 0 or seen * others > elsewhere * evidence.n


def _review(scores: Scores, system: AttributeSystem) -> _Review:
    counts = confusions.option_counts(scores, system)
    return _Review(
        evidence={(e.class_name, e.group): e for e in confusions.rule_evidence(scores, system)},
        totals={
            group.name: dict(zip(group.options, by_class.sum(axis=0).tolist(), strict=True))
            for group, by_class in zip(system.groups, counts, strict=True)
        },
        images=int(np.count_nonzero(scores.labels >= 0)),
    )


def _count(evidence: RuleEvidence, option: str) -> int:
    """How many images of the class choose the option."""
    return dict(evidence.chosen).get(option, 0)


def _interval(count: int, n: int) -> str:
    interval = wilson(count, n)
    return f"{100 * interval.low:.0f}-{100 * interval.high:.0f} %"


# --- Rules ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Case:
    """Options to use instead: `seen` images of the class choose them, `kept` the rule's.

    `told`: the former in words.
    """

    evidence: RuleEvidence
    options: Choice
    seen: int
    kept: int
    told: str

    @property
    def proposal(self) -> Proposal:
        at, rule = self.evidence, "the rule names nothing"
        if at.rule:
            rule = f'the rule says "{at.rule[0]}" (seen by {self.kept})'
        edit = SetRule(class_name=at.class_name, group=at.group, options=self.options)
        return _proposal(f"{self.told}, {rule}", edit)


def _strongest(cases: Iterable[_Case]) -> Iterator[Proposal]:
    # Stable: equally strong ones stay in the order of classes and groups.
    found = sorted(cases, key=lambda case: (case.kept - case.seen, -case.seen / case.evidence.n))
    return (case.proposal for case in found)


def _contradicted(review: _Review) -> Iterator[_Case]:
    for evidence in review.evidence.values():
        (option, seen), n = evidence.chosen[0], evidence.n
        kept = sum(_count(evidence, named) for named in evidence.rule)
        clear = seen >= FEWEST and 2 * seen > n and seen >= _CLEARLY * kept
        open_to_it = len(evidence.rule) <= 1 and option not in evidence.rule
        if open_to_it and clear and review.typical(evidence, option):
            told = f'{seen} of {n} review images see "{option}" ({_interval(seen, n)})'
            yield _Case(evidence, (option,), seen, kept, told)


def _split(review: _Review) -> Iterator[_Case]:
    for evidence in review.evidence.values():
        options, n = review.totals[evidence.group], evidence.n
        # Both of two options would say as much as none.
        if len(evidence.rule) > 1 or len(evidence.chosen) < 2 or len(options) < 3:
            continue
        (first, most), (second, fewer), (_, third) = (*evidence.chosen, ("", 0))[:3]
        seen = most + fewer
        clear = fewer >= FEWEST and 2 * seen > n and fewer >= _CLEARLY * third
        balanced = most < _CLEARLY * fewer
        typical = review.typical(evidence, first) and review.typical(evidence, second)
        if clear and balanced and typical:
            both = tuple(option for option in options if option in (first, second))
            kept = sum(_count(evidence, named) for named in evidence.rule)
            told = (
                f'{most} of {n} review images see "{first}", {fewer} "{second}" '
                f"(together {_interval(seen, n)})"
            )
            yield _Case(evidence, both, seen, kept, told)


# --- Pairs ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Telling:
    """An option that tells two classes apart: `seen` images of one choose it, `there` of other."""

    option: str
    own: RuleEvidence
    other: RuleEvidence
    seen: int
    there: int

    @property
    def gap(self) -> float:
        """The difference of the two fractions of images."""
        return self.seen / self.own.n - self.there / self.other.n

    @property
    def clear(self) -> bool:
        """Whether clearly more of its own images choose it: the intervals do not meet."""
        return wilson(self.seen, self.own.n).low > wilson(self.there, self.other.n).high


def _distinctions(scores: Scores, system: AttributeSystem, review: _Review) -> Iterator[Proposal]:
    for pair in confusions.confused_pairs(scores, system, limit=_PAIRS):
        told = any(part >= confusions.TELLS_APART for _, part in pair.separating_groups)
        if pair.count < FEWEST or told:
            continue
        sides = (pair.first, pair.second), (pair.second, pair.first)
        best = [_most_telling(system, review, own, other) for own, other in sides]
        for telling in sorted(filter(None, best), key=lambda telling: -telling.gap):
            yield _distinction(pair, telling)


def _most_telling(
    system: AttributeSystem, review: _Review, own: str, other: str
) -> _Telling | None:
    """The option, in no rule yet, that sets images of `own` apart most from those of `other`."""
    found = []
    for group in system.groups:
        ours = review.evidence.get((own, group.name))
        theirs = review.evidence.get((other, group.name))
        if ours is None or theirs is None or len(ours.rule) > 1:
            continue
        option, seen = ours.chosen[0]
        telling = _Telling(option, ours, theirs, seen, _count(theirs, option))
        if option not in (*ours.rule, *theirs.rule) and telling.clear:
            found.append(telling)
    return max(found, key=lambda telling: telling.gap, default=None)


def _distinction(pair: ConfusedPair, telling: _Telling) -> Proposal:
    own, other, option = telling.own, telling.other, telling.option
    return _proposal(
        f'"{pair.first}" and "{pair.second}" {_difference(pair.separating_groups)}; '
        f'{telling.seen} of {own.n} review images of "{own.class_name}" see "{option}" in '
        f"{own.group} ({_interval(telling.seen, own.n)}), {telling.there} of {other.n} of "
        f'"{other.class_name}" ({_interval(telling.there, other.n)})',
        SetRule(class_name=own.class_name, group=own.group, options=(option,)),
    )


def _difference(groups: Sequence[tuple[str, float]]) -> str:
    if not groups:
        return "have the same rules"
    name, part = groups[0]
    if len(groups) == 1:
        return f"differ in one weak group only ({name} {100 * part:.0f} %)"
    return f"differ in {len(groups)} weak groups only (the best, {name}, {100 * part:.0f} %)"
