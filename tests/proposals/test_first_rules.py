"""The first rules of classes that have none."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.edits.apply import apply
from builder.edits.model import DropGroup, Proposal, SetRule
from builder.proposals.first_rules import gives_first_rules
from builder.proposals.from_data import suggest
from builder.system.model import AttributeGroup, AttributeSystem, make_system
from tests.proposals.test_from_data import SCENES, seen
from tests.strategies import THOROUGH

GROUPS = (
    AttributeGroup(name="scene", prompt="In {}.", options=SCENES),
    AttributeGroup(name="size", prompt="It is {}.", options=("small", "large")),
)
RULE = {"scene": "rocks", "size": "small"}


def without(*names: str) -> AttributeSystem:
    """Classes a to d, these of them without rules."""
    return make_system("test", GROUPS, {c: {} if c in names else RULE for c in "abcd"})


def rules_of(proposal: Proposal) -> dict[str, tuple[str, ...]]:
    return {edit.group: edit.options for edit in proposal.edits if isinstance(edit, SetRule)}


def test_a_class_without_rules_gets_them_from_its_images_before_all_else() -> None:
    which = without("c")
    # Confused with each other, a and b would come first.
    images = {"a": ["00"] * 9, "b": ["20"] * 9, "c": ["31", "31", "30", "21"]}
    first, *rest = suggest(seen(which, **images), which)
    assert rules_of(first) == {"scene": ("a lake",), "size": ("large",)}
    assert first.reason == (
        "the class has no rules yet; these options are what the most of its 4 review images see, "
        "3 or more in each group"
    )
    assert gives_first_rules(first, which) and rest
    assert not any(gives_first_rules(proposal, which) for proposal in rest)
    assert apply(which, first.edits).without_rules == ()


def test_of_several_that_with_the_most_images_comes_first() -> None:
    which = without("a", "b", "d")
    images = {"a": ["00"] * 2, "b": ["10"] * 3, "c": ["20"], "d": ["31"]}
    first, second, *rest = suggest(seen(which, **images), which)
    assert [first.edits[0].class_name, second.edits[0].class_name] == ["b", "a"]  # type: ignore[union-attr]
    # A single image is an accident.
    assert not any(gives_first_rules(proposal, which) for proposal in rest)


def test_images_that_split_give_several_options_and_what_is_not_seen_twice_none() -> None:
    which = without("a")
    images = {"a": ["00", "00", "20", "21"], "b": ["10"] * 4}
    assert rules_of(suggest(seen(which, **images), which)[0]) == {
        "scene": ("space", "a field"),
        "size": ("small",),
    }
    images = {"a": ["00", "10", "20"], "b": ["10"] * 4}
    assert rules_of(suggest(seen(which, **images), which)[0]) == {"size": ("small",)}


def test_once_its_first_rules_are_rejected_single_ones_are_proposed() -> None:
    which = without("a")
    scores = seen(which, a=["01"] * 3, b=["10"] * 3)
    first = suggest(scores, which)[0]
    others = suggest(scores, which, unwanted=first.__eq__)
    assert first not in others
    assert {("scene", ("space",)), ("size", ("large",))} <= {
        pair for proposal in others for pair in rules_of(proposal).items()
    }


@pytest.mark.parametrize(("name", "gives"), [("a", True), ("b", False)])
def test_what_gives_first_rules(name: str, gives: bool) -> None:
    edits = (DropGroup(group="size"), SetRule(class_name=name, group="scene", options=("rocks",)))
    assert gives_first_rules(Proposal(edits=edits, source="llm"), without("a", "c")) == gives


@THOROUGH
@given(
    st.sets(st.sampled_from("abcd")),
    st.lists(st.lists(st.text("01", min_size=2, max_size=2), max_size=5), min_size=4, max_size=4),
)
def test_first_rules_come_first_one_for_each_class_and_apply_together(
    names: set[str], images: list[list[str]]
) -> None:
    which = without(*names)
    proposals = suggest(seen(which, **dict(zip("abcd", images, strict=True))), which)
    first = [proposal for proposal in proposals if gives_first_rules(proposal, which)]
    assert list(proposals[: len(first)]) == first
    given_to = [{edit.class_name for edit in p.edits if isinstance(edit, SetRule)} for p in first]
    system = which
    for proposal in first:
        system = apply(system, proposal.edits)
    assert {name for (name,) in given_to} == names - set(system.without_rules)
    assert len(given_to) == len({name for (name,) in given_to})
    for name in names & set(system.without_rules):
        group_counts = [[image[place] for image in images["abcd".index(name)]] for place in (0, 1)]
        assert all(digits.count(d) < 2 for digits in group_counts for d in digits)
