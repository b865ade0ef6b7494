"""The first rules of classes that have none: what came of no draft comes from their images."""

from collections.abc import Iterable, Iterator, Mapping

from builder.diagnosis.confusions import RuleEvidence
from builder.edits.model import Proposal, SetRule
from builder.system.model import AttributeSystem, Choice

FEWEST = 2  # a single image is an accident


def first_rules(
    evidence: Iterable[RuleEvidence],
    several: Mapping[tuple[str, str], Choice],
    system: AttributeSystem,
) -> Iterator[Proposal]:
    """For each class without rules those that its images suggest, of the most images first.

    In every group that is the option which the most of them choose, where that are 2 or more: also
    one that says little is better than none, with which all other classes have the advantage.
    `several`: the options of a class, then a group, whose images split.
    """
    clear: dict[str, list[RuleEvidence]] = {name: [] for name in system.without_rules}
    for each in evidence:
        if each.class_name in clear and each.chosen[0][1] >= FEWEST:
            clear[each.class_name].append(each)
    for seen in sorted(filter(None, clear.values()), key=lambda seen: -seen[0].n):
        least = min(each.chosen[0][1] for each in seen)
        reason = (
            f"the class has no rules yet; these options are what the most of its {seen[0].n} "
            f"review images see, {least} or more in each group"
        )
        edits = tuple(
            SetRule(
                class_name=each.class_name,
                group=each.group,
                options=several.get((each.class_name, each.group), (each.chosen[0][0],)),
            )
            for each in seen
        )
        yield Proposal(edits=edits, source="data", reason=reason)


def gives_first_rules(proposal: Proposal, system: AttributeSystem) -> bool:
    """Whether it gives rules to a class that has none yet."""
    without = system.without_rules
    return bool(without) and any(edit.class_name in without for edit in rules_in([proposal]))


def rules_in(proposals: Iterable[Proposal]) -> Iterator[SetRule]:
    """The rules that proposals set."""
    for proposal in proposals:
        yield from (edit for edit in proposal.edits if isinstance(edit, SetRule))
