"""What is found out about a system on review images, computed when it is asked for."""

from collections.abc import Iterable, Mapping
from functools import cached_property

from builder.diagnosis.confusions import ClassReport, ConfusedPair, confused_pairs, per_class
from builder.diagnosis.groups import GroupReport, per_group
from builder.edits.apply import apply
from builder.edits.model import Proposal
from builder.scoring.effects import Increments
from builder.scoring.evaluator import Evaluator
from builder.scoring.fit import RuleTrial, try_rules
from builder.scoring.score import Scores
from builder.scoring.statistics import Effect, compare
from builder.session.classes import described
from builder.session.records import Started
from builder.session.state import Step
from builder.system.file import SplitName
from builder.system.model import AttributeSystem, Scoring

# The working system, the one that the round began with, and one to come back to by undo.
_REMEMBERED = 3


class Findings:
    """Scores and diagnosis of one system, and the effects of proposals on top of it.

    `digests` names the review images, in the order of `review`. `baselines` are scores on
    held-out images, everything else is about review images.
    """

    def __init__(self, step: Step, rescored: Scoring | None, measurements: "Measurements") -> None:
        self._step = step
        self._rescored = rescored
        self._measurements = measurements
        self._evaluator = measurements.evaluator.for_step(step, rescored)
        self._labels = frozenset(measurements.evaluator.splits["review"].labels)
        self._effects: dict[str, Effect] = {}
        self._afters: dict[str, AttributeSystem] = {}
        self._unchanged: dict[str, bool] = {}
        self._tried: tuple[Step, tuple[RuleTrial, ...]] | None = None
        self.system = step.system
        self.review: Scores = self._evaluator.score(step.system, "review")

    @property
    def digests(self) -> tuple[str, ...]:
        return self._evaluator.splits["review"].digests

    def labels(self, split: SplitName) -> tuple[str, ...]:
        """The classes of a split's images, in the order of scores and of records' bits."""
        return self._evaluator.splits[split].labels

    @property
    def held_out_images(self) -> str:
        """A fingerprint of the held-out images."""
        return self._evaluator.held_out_images

    @property
    def baselines(self) -> Mapping[str, Scores]:
        return self._measurements.baselines(self._step)

    @property
    def images(self) -> str:
        """What versions on the same images, scored alike, bear as well."""
        return self._evaluator.images

    @cached_property
    def classes(self) -> tuple[ClassReport, ...]:
        return per_class(self.review, self.system)

    @cached_property
    def pairs(self) -> tuple[ConfusedPair, ...]:
        return confused_pairs(self.review, self.system)

    @cached_property
    def groups(self) -> tuple[GroupReport, ...]:
        """What each group contributes to the review scores."""
        return per_group(self._increments)

    def after(self, proposal: Proposal) -> AttributeSystem:
        """The system with the proposal. Raises EditError when it does not fit."""
        key = proposal.key
        if key not in self._afters:
            self._afters[key] = apply(self.system, proposal.edits)
        return self._afters[key]

    def effect(self, proposal: Proposal) -> Effect:
        """What the proposal does by itself. Raises EditError when it does not fit."""
        if proposal.key not in self._effects:
            self.measure([proposal])
        return self._effects[proposal.key]

    def changes_nothing(self, proposal: Proposal) -> bool:
        """Whether the proposal's wish is fulfilled already. Raises EditError."""
        key = proposal.key
        if key not in self._unchanged:
            effect = self._effects.get(key)
            same = not (effect and effect.fixed + effect.broken)
            self._unchanged[key] = same and self.after(proposal) == self.system
        return self._unchanged[key]

    def measure(self, proposals: Iterable[Proposal]) -> None:
        """Measures the effects of many proposals, all of which fit, faster than one by one.

        Raises EditError when one does not fit.
        """
        new = {each.key: each for each in proposals if each.key not in self._effects}
        same = [each for each in new.values() if self._keeps_labels(each)]
        effects = self._increments.effects(map(self.after, same))
        self._effects |= {each.key: e for each, e in zip(same, effects, strict=True)}
        # With other names images change their classes, which no increment knows of.
        for key in new.keys() - self._effects.keys():
            after = self.try_out(new[key])[1]
            self._effects[key] = compare(self.review.correct, after.correct)

    def _keeps_labels(self, proposal: Proposal) -> bool:
        before, after = self._step.names, self._step.names.after(proposal.edits)
        if after.classes == before.classes:
            return True
        return after.labels(self._labels) == before.labels(self._labels)

    @cached_property
    def _increments(self) -> Increments:
        return self._evaluator.increments(self.system, self.review)

    def try_rules(self, step: Step) -> tuple[RuleTrial, ...]:
        """All scoring rules, fitted on review images and tried on held-out ones."""
        if self._tried is None or self._tried[0] is not step:
            trials = try_rules(self._evaluator.for_step(step, self._rescored), step.system)
            self._tried = step, trials
        return self._tried[1]

    def try_out(self, proposal: Proposal) -> tuple[AttributeSystem, Scores]:
        """The system with the proposal, and its scores. Raises EditError."""
        after = self.after(proposal)
        # On the same images, so that a dropped class's are counted as broken.
        evaluator = self._evaluator.renamed(self._step.names.after(proposal.edits))
        return after, evaluator.score(after, "review")


class Measurements:
    """The findings on the last few systems of a session, so that no screen measures them twice."""

    def __init__(self, evaluator: Evaluator, started: Started) -> None:
        self.evaluator = evaluator
        self._started = started
        self._known: dict[tuple[int, int], tuple[object, Findings]] = {}
        self._baselines: dict[tuple[str, ...], Mapping[str, Scores]] = {}

    def baselines(self, step: Step) -> Mapping[str, Scores]:
        """Held-out scores of the bare names of the step's classes, whatever they are called now."""
        labels = self.evaluator.splits["held_out"].labels
        classes = described(self._started, labels, step)
        key = tuple(classes)
        if key not in self._baselines:
            domain = self._started.domain
            self._baselines[key] = self.evaluator.baselines(domain, classes, "held_out")
        return self._baselines[key]

    def of(self, step: Step, rescored: Scoring | None) -> Findings:
        """The findings on the step's system, by another scoring than the session's if there is one.

        What is known of them is found by identity.
        """
        key = id(step), id(rescored)
        # Both are kept with the findings, so that no other ones get the same identities.
        known = self._known.pop(key, None) or ((step, rescored), Findings(step, rescored, self))
        # The last one used is the last one to go.
        self._known[key] = known
        if len(self._known) > _REMEMBERED:
            del self._known[next(iter(self._known))]
        return known[1]
