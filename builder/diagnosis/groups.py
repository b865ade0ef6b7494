"""What each group of a system contributes on labelled images, as measures and in a few plain words.

The verdict is a pure function of the measures. Its thresholds are conventions with a reason each,
stated here and under `?`; none is fitted to any data.

Which images are right without a group is found for every group from one scoring of the whole
system. A class's total is a sum over groups, so leaving one out takes away what its choice added.
Of all classes with the same choice there the best stays the best, so that per choice one maximum
over its classes is needed, and no class is scored again.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from builder.diagnosis.confusions import group_evidence
from builder.diagnosis.information import (
    Repeat,
    SeenBits,
    own_bits,
    redundancy,
    seen_bits,
    shuffled_orders,
)
from builder.diagnosis.permutation_test import SIGNIFICANT, NullTest, null_tests
from builder.scoring.score import (
    Floats,
    GroupRules,
    Indices,
    Scores,
    cosines,
    group_rules,
    group_slices,
    score_cosines,
)
from builder.scoring.statistics import Change, Correct, Proportion, compare, holm, mcnemar
from builder.system.model import AttributeSystem, Scoring

Kind = Literal[
    "carries",
    "misleads",
    "decoration",
    "repeats",
    "few images",
    "few classes",
    "tells few apart",
    "may help",
    "adds nothing",
    "helps little",
]
# A group of whose bits no more than a tenth are its own repeats what is known already.
REPEATS = 0.9
# The bits of a question that nine of ten classes answer alike.
FEW_BITS = 0.469
# Totals are gone through so many at a time, which the processor's cache holds.
_BLOCK = 1 << 19
# Leads below this, relative to what was added up, may be rounding: such images are scored again.
_ROUNDING = 64 * float(np.finfo(np.float32).eps)
_WORDS: dict[Kind, str] = {
    "carries": "carries the system",
    "misleads": "misleads: better without it",
    "decoration": "decoration",
    "few images": "can't be told: too few images",
    "few classes": "can't be told: too few classes",
    "tells few apart": "tells few classes apart",
    "may help": "may help, or by chance",
    "adds nothing": "adds nothing to the others",
    "helps little": "helps little",
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """What kind a group is of, and which group it repeats where the kind is "repeats"."""

    kind: Kind
    repeated: str = ""

    def words(self, spelled: Callable[[str], str] = str) -> str:
        """The verdict in words; `spelled`: how to write the name of a group."""
        return f"repeats {spelled(self.repeated)}" if self.repeated else _WORDS[self.kind]


@dataclass(frozen=True, slots=True)
class LeftOut:
    """What changes if a group is left out, on the images that the system was scored on.

    p: exact McNemar, adjusted for the number of groups (Holm), since every group is tried. It is
    honest as far as these images had no part in choosing the groups: on review images it flatters
    what proposals brought in.
    can_tell: False where p could not be small even if each image changed for the worse.
    """

    change: Change
    p: float
    can_tell: bool

    @property
    def significant(self) -> bool:
        return self.p <= SIGNIFICANT


@dataclass(frozen=True, slots=True)
class GroupReport:
    """What one group contributes to a system.

    alone: images that this group by itself gets right; where its best option belongs to m classes,
    the image counts 1/m, the expected value of a random pick among them.
    left_out: None for the only group.
    agreement: of the images whose class has a rule here, those whose likeliest option it names.
    bits: entropy of the rules' choice when all classes are equally likely, at most log2 of their
    number. bits_given_others: what is left of it once all other groups are known. Both exact,
    from the rules alone; several options, and none, count as a choice of their own.
    repeats: the other group whose rules tell most of these bits; None where there are no bits or
    no other group.
    seen: what the images' answers tell about the class.
    shuffled: whether the rules fit the images better than shuffled ones.
    """

    name: str
    options: int
    alone: Proportion
    left_out: LeftOut | None
    agreement: Proportion
    bits: float
    bits_given_others: float
    repeats: Repeat | None
    seen: SeenBits
    shuffled: NullTest

    @property
    def without(self) -> Change | None:
        """How the correct images change without the group; None for the only group."""
        return self.left_out.change if self.left_out else None

    @property
    def weak(self) -> bool:
        """Whether as many images or more would be correct without it."""
        return self.without is not None and self.without.n > 0 and self.without.points >= 0

    @property
    def verdict(self) -> Verdict:
        """The verdict that holds first, from the strongest evidence to the weakest.

        carries, misleads: without it significantly fewer, or more, images are right. decoration:
        it has no bits, or its rules fit no better than shuffled ones. repeats: another group tells
        nine tenths of its bits beyond chance. few images, few classes: too few for the tests above
        to find anything. tells few apart: fewer bits than a question that nine of ten classes
        answer alike. may help: without it fewer are right, but by chance as easily. adds nothing:
        no fewer are, and the others together tell nine tenths of its bits. helps little: the rest.
        """
        if self.bits == 0:
            return Verdict("decoration")
        if self.left_out is None:
            return self._of_the_only_group()
        if self.left_out.significant:
            return Verdict("carries" if self.left_out.change.points < 0 else "misleads")
        enough = self.left_out.can_tell
        if enough and self.shuffled.can_tell and not self.shuffled.beats:
            return Verdict("decoration")
        if self.repeats and self.repeats.beyond_chance >= REPEATS:
            return Verdict("repeats", self.repeats.group)
        if not enough:
            return Verdict("few images")
        if not self.shuffled.can_tell:
            return Verdict("few classes")
        if self.bits < FEW_BITS:
            return Verdict("tells few apart")
        if not self.weak:
            return Verdict("may help")
        own = self.bits_given_others / self.bits
        return Verdict("adds nothing" if own <= 1 - REPEATS else "helps little")

    def _of_the_only_group(self) -> Verdict:
        if not self.alone.n:
            return Verdict("few images")
        if not self.shuffled.can_tell:
            return Verdict("few classes")
        return Verdict("carries" if self.shuffled.beats else "decoration")

    def words(self) -> str:
        """The report as a sentence."""
        parts = [
            self.verdict.words(),
            f"alone it gets {self.alone.fraction:.0%} of {self.alone.n} images right",
            f"{self.agreement.fraction:.0%} of images look as its rules say",
            f"{self.bits:.1f} bits, {self.bits_given_others:.1f} of them in no other group",
        ]
        if self.without is not None:
            change = f"{self.without.fixed} fixed, {self.without.broken} broken"
            parts.insert(2, f"without it {self.without.points:+.1f} points ({change})")
        return f"{self.name}: {'; '.join(parts)}"


def per_group(
    scores: Scores,
    system: AttributeSystem,
    images: NDArray[np.float32],
    phrases: NDArray[np.float32],
    *,
    scoring: Scoring,
    logit_scale: float,
    seed: int = 0,
) -> tuple[GroupReport, ...]:
    """One report per group, in order, from the system's scores and what they were made from.

    That is, the other arguments are those of `scoring.score`; `seed` is of the shuffles. Raises
    ValueError unless the scores are the system's.
    """
    evidence = group_evidence(scores, system)
    left_out = _left_out(scores, system, cosines(images, phrases), scoring, logit_scale)
    shared = redundancy(system)
    own = own_bits(system)
    seen = _seen(scores, seed)
    tests = null_tests(scores, system, seed=seed)
    reports = []
    for index, (name, p, rule) in enumerate(evidence):
        reports.append(
            GroupReport(
                name=name,
                options=p.shape[1],
                alone=_alone(scores, p, rule),
                left_out=left_out[index] if left_out else None,
                agreement=_agreement(scores, p, rule),
                bits=shared.bits[index],
                bits_given_others=own[index],
                repeats=shared.most_repeated(index),
                seen=seen[index],
                shuffled=tests[index],
            )
        )
    return tuple(reports)


def _left_out(
    scores: Scores,
    system: AttributeSystem,
    similar: NDArray[np.float32],
    scoring: Scoring,
    logit_scale: float,
) -> list[LeftOut]:
    afters = correct_without(system, scores, similar, scoring=scoring, logit_scale=logit_scale)
    changes = [compare(scores.correct, without) for without in afters]
    # Holm asks most of the smallest p: what it could be if each image were lost.
    can_tell = len(changes) * mcnemar(0, scores.n) <= SIGNIFICANT
    adjusted = holm([change.p for change in changes])
    return [LeftOut(change, p, can_tell) for change, p in zip(changes, adjusted, strict=True)]


def _seen(scores: Scores, seed: int) -> list[SeenBits]:
    known = np.flatnonzero(scores.labels >= 0)
    labels = scores.labels[known]
    orders = shuffled_orders(len(known), seed=seed)
    return [
        seen_bits(p[known].argmax(axis=1), labels, p.shape[1], orders) for p in scores.probabilities
    ]


def _alone(scores: Scores, p: NDArray[np.float32], rule: GroupRules) -> Proportion:
    known = np.flatnonzero(scores.labels >= 0)
    choices = p[known] @ rule.weights.T
    best = choices == choices.max(axis=1, keepdims=True)
    winners = best @ np.bincount(rule.of_class, minlength=len(rule.weights))
    right = best[np.arange(len(known)), rule.of_class[scores.labels[known]]]
    return Proportion(float((right / winners).sum()), scores.n)


def _agreement(scores: Scores, p: NDArray[np.float32], rule: GroupRules) -> Proportion:
    named = (rule.weights > 0) & ~(rule.weights > 0).all(axis=1, keepdims=True)
    own = named[rule.of_class[scores.labels]]
    ruled = (scores.labels >= 0) & own.any(axis=1)
    agrees = own[np.arange(scores.n), p.argmax(axis=1)] & ruled
    return Proportion(int(agrees.sum()), int(ruled.sum()))


@dataclass(frozen=True, slots=True, eq=False)
class _LeftOut:
    """A group that is left out, and the system without it.

    rest: the system without it. columns: its phrases. of_class: [C] each class's choice among U.
    added: [U, n] what each choice adds to a total. entered: [C] True for the first of the classes
    whose rules are equal without it. rivals: per choice, the classes that are entered.
    """

    rest: AttributeSystem
    columns: slice
    of_class: Indices
    added: Floats
    entered: Correct
    rivals: tuple[Indices, ...]

    @classmethod
    def of(
        cls,
        system: AttributeSystem,
        index: int,
        rules: Sequence[GroupRules],
        similar: Floats,
        scoring: Scoring,
        logit_scale: float,
    ) -> "_LeftOut":
        rule = rules[index]
        others = [other.of_class for other in rules if other is not rule]
        _, first = np.unique(np.stack(others, axis=1), axis=0, return_index=True)
        # Names that count tell apart classes whose rules are equal.
        entered = np.full(len(rule.of_class), scoring.name_prior > 0)
        entered[first] = True
        columns = group_slices(system)[index]
        return cls(
            rest=_without(system, index),
            columns=columns,
            of_class=rule.of_class,
            added=_added(system, index, rule, similar[:, columns], scoring, logit_scale),
            entered=entered,
            rivals=tuple(
                np.flatnonzero(entered & (rule.of_class == choice))
                for choice in range(len(rule.weights))
            ),
        )


def correct_without(
    system: AttributeSystem,
    scores: Scores,
    similar: Floats,
    *,
    scoring: Scoring,
    logit_scale: float,
) -> tuple[Correct, ...]:
    """Per group [n], True where the system without it is right; () if there is only one group.

    `similar` are the cosines that the scores were made from. Classes whose rules differ in
    the group alone tie exactly without it, to class order. Images on which other totals differ by
    no more than rounding are scored again, as the system without the group would be.
    """
    if len(system.groups) < 2:
        return ()
    rules = group_rules(system)
    left_out = [
        _LeftOut.of(system, index, rules, similar, scoring, logit_scale)
        for index in range(len(rules))
    ]
    leads = _leads(scores, left_out)
    found = []
    for group, (lead, doubt) in zip(left_out, leads, strict=True):
        # A class that an earlier one ties with never wins.
        possible = (scores.labels >= 0) & group.entered[scores.labels]
        right = possible & (lead > 0)
        again = np.flatnonzero(possible & (np.abs(lead) <= doubt))
        if len(again):
            rest = score_cosines(
                group.rest,
                np.delete(similar[again], group.columns, axis=1),
                [scores.classes[label] for label in scores.labels[again].tolist()],
                scoring=scoring,
                logit_scale=logit_scale,
            )
            right[again] = rest.correct
        found.append(right)
    return tuple(found)


def _without(system: AttributeSystem, index: int) -> AttributeSystem:
    name = system.groups[index].name
    return AttributeSystem(
        domain=system.domain,
        groups=system.groups[:index] + system.groups[index + 1 :],
        rules={
            class_name: {key: chosen for key, chosen in choices.items() if key != name}
            for class_name, choices in system.rules.items()
        },
    )


def _added(
    system: AttributeSystem,
    index: int,
    rule: GroupRules,
    similar: Floats,
    scoring: Scoring,
    logit_scale: float,
) -> Floats:
    """[U, n]: what each choice of this group alone adds to a total."""
    if len(rule.weights) == 1:
        # What is added to all alike decides nothing.
        return np.zeros((1, len(similar)), np.float32)
    group = system.groups[index]
    _, users = np.unique(rule.of_class, return_index=True)
    names = [system.classes[user] for user in users.tolist()]
    alone = AttributeSystem(
        domain=system.domain,
        groups=(group,),
        rules={name: {group.name: system.rules[name][group.name]} for name in names},
    )
    nameless = scoring.model_copy(update={"name_prior": 0.0})
    scores = score_cosines(
        alone, similar, [""] * len(similar), scoring=nameless, logit_scale=logit_scale
    )
    return np.ascontiguousarray(scores.totals.T)


def _leads(scores: Scores, groups: Sequence[_LeftOut]) -> list[tuple[Floats, Floats]]:
    """Per group [n]: the true class's lead over its best rival, and how much may be rounding."""
    found = [(np.empty(scores.n, np.float32), np.empty(scores.n, np.float32)) for _ in groups]
    step = max(1, _BLOCK // len(scores.classes))
    for start in range(0, scores.n, step):
        block = slice(start, start + step)
        labels = scores.labels[block]
        # A copy, in which a class's totals lie side by side. The true one is no rival of its own.
        totals = np.array(scores.totals[block].T, order="C")
        images = np.arange(len(labels))
        own = totals[labels, images]
        totals[labels, images] = -np.inf
        for group, (lead, doubt) in zip(groups, found, strict=True):
            added = group.added[:, block]
            own_added = added[group.of_class[labels], images]
            best = np.full(len(labels), -np.inf, np.float32)
            for rivals, adds in zip(group.rivals, added, strict=True):
                if len(rivals):
                    np.maximum(best, totals[rivals].max(axis=0) - adds, out=best)
            lead[block] = own - own_added - best
            size = np.abs(own) + np.abs(best) + np.abs(added).max(axis=0)
            # Without a rival there is no doubt.
            doubt[block] = np.where(np.isfinite(best), _ROUNDING * size, 0)
    return found
