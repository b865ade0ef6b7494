"""What was found out about a system on review images, worked out when somebody asks for it."""

from collections import OrderedDict
from collections.abc import Mapping
from functools import cached_property

from builder.applying import apply
from builder.diagnosis import ClassReport, ConfusedPair, GroupReport, confused_pairs, per_class
from builder.edits import Proposal
from builder.history import Step, renamed
from builder.records import Effect, Started
from builder.referee import Referee
from builder.scoring import Scores
from builder.system import AttributeSystem

# The working system, the one that the round began with, and one to come back to by undo.
_REMEMBERED = 3


class Findings:
    """Scores and diagnosis of one system, and the effects of proposals on top of it.

    `digests` names the review images, in the order of `review`. `baselines` are scores on
    held-out images, everything else is about review images.
    """

    def __init__(self, step: Step, referee: Referee, baselines: "Baselines") -> None:
        self._step = step
        self._referee = referee
        self._baselines = baselines
        self._effects: dict[str, Effect] = {}
        self._afters: dict[str, AttributeSystem] = {}
        self.system = step.system
        self.review: Scores = referee.renamed(step.names).score(step.system, "review")

    @property
    def digests(self) -> tuple[str, ...]:
        return self._referee.splits["review"].digests

    @property
    def baselines(self) -> Mapping[str, Scores]:
        return self._baselines.scores

    @cached_property
    def classes(self) -> tuple[ClassReport, ...]:
        return per_class(self.review, self.system)

    @cached_property
    def pairs(self) -> tuple[ConfusedPair, ...]:
        return confused_pairs(self.review, self.system)

    @cached_property
    def groups(self) -> tuple[GroupReport, ...]:
        return self._referee.renamed(self._step.names).groups(self.system)

    def after(self, proposal: Proposal) -> AttributeSystem:
        """The system with the proposal. Raises EditError when it does not fit."""
        key = proposal.key
        if key not in self._afters:
            self._afters[key] = apply(self.system, proposal.edits)
        return self._afters[key]

    def effect(self, proposal: Proposal) -> Effect:
        """What the proposal does by itself. Raises EditError when it does not fit."""
        key = proposal.key
        if key not in self._effects:
            referee = self._referee.renamed(renamed(self._step.names, proposal.edits))
            self._effects[key] = referee.effect_of_change(self.review, self.after(proposal))
        return self._effects[key]

    def try_out(self, proposal: Proposal) -> tuple[AttributeSystem, Scores]:
        """The system with the proposal, and its scores. Raises EditError."""
        after = self.after(proposal)
        names = renamed(self._step.names, proposal.edits)
        return after, self._referee.renamed(names).score(after, "review")


class Baselines:
    """Held-out scores of the bare names, which no edit changes."""

    def __init__(self, referee: Referee, started: Started) -> None:
        self._referee = referee
        self._started = started

    @cached_property
    def scores(self) -> Mapping[str, Scores]:
        descriptions = {entry.name: entry.description for entry in self._started.classes}
        return self._referee.baselines(self._started.domain, descriptions, "held_out")


class Measurements:
    """The findings on the last few systems of a session, so that no screen measures them twice."""

    def __init__(self, referee: Referee, started: Started) -> None:
        self.referee = referee
        self._baselines = Baselines(referee, started)
        self._known: OrderedDict[int, tuple[Step, Findings]] = OrderedDict()

    def of(self, step: Step) -> Findings:
        """The findings on the step's system."""
        # The steps are kept with their findings, so that no other one gets the same identity.
        if id(step) not in self._known:
            self._known[id(step)] = (step, Findings(step, self.referee, self._baselines))
        self._known.move_to_end(id(step))
        while len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)
        return self._known[id(step)][1]
