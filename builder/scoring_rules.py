"""The scoring rules side by side: fitted on review images only, compared on held-out images."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from builder.fitting import FITTED_PART, RULE_NAMES, RuleName, scoring_by_name
from builder.referee import Referee
from builder.scoring import cosines
from builder.statistics import Change, Marks, compare
from builder.system import AttributeSystem, Scoring


@dataclass(frozen=True, slots=True, eq=False)
class Trial:
    """A system scored by one rule: its marks on held-out images [n].

    name: None for a scoring that was given. change: from how the system is scored so far to this.
    """

    name: RuleName | None
    scoring: Scoring
    correct: Marks
    change: Change


def try_rules(
    referee: Referee,
    system: AttributeSystem,
    names: Iterable[RuleName] = RULE_NAMES,
    others: Iterable[Scoring] = (),
) -> tuple[Trial, ...]:
    """The referee's own scoring, then rules by name, then others.

    Without a review image of a known class, rules that are fitted are left out.
    """
    fits = bool(set(referee.splits["review"].labels) & set(system.classes))
    named = [
        (name, fitted_scoring(referee, system, name))
        for name in names
        if fits or name not in FITTED_PART
    ]
    own = referee.score(system, "held_out").correct
    trials = [Trial(None, referee.scoring_of(system), own, compare(own, own))]
    for name, scoring in (*named, *((None, other) for other in others)):
        correct = replace(referee, scoring=scoring).score(system, "held_out").correct
        trials.append(Trial(name, scoring, correct, compare(own, correct)))
    return tuple(trials)


def fitted_scoring(referee: Referee, system: AttributeSystem, name: RuleName) -> Scoring:
    """The rule of that name, fitted on the review images if need be, means and all."""
    review = referee.splits["review"]
    texts = referee.encode((*system.phrases(), *system.classes))
    scoring = scoring_by_name(
        name,
        system,
        cosines(review.vectors, texts),
        review.labels,
        logit_scale=referee.logit_scale,
        encoder=referee.encoder,
    )
    return replace(referee, scoring=scoring).scoring_of(system)
