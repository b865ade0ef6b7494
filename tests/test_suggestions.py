"""What the data proposes, and what it rightly keeps to itself."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builder.edits import DropOption, Proposal, SetRule
from builder.scoring import Scores, score_cosines
from builder.suggestions import suggest
from builder.system import AttributeGroup, AttributeSystem, Choice, Scoring, make_system

SCENES = ("space", "rocks", "a field", "a lake")


def system(*rules: str | Sequence[str] | None) -> AttributeSystem:
    """One group of four scenes; a class per argument, named a, b, c, …"""
    group = AttributeGroup(name="scene", prompt="In {}.", options=SCENES)
    return make_system(
        "test", [group], {chr(97 + index): {"scene": rule} for index, rule in enumerate(rules)}
    )


def seen(which: AttributeSystem, **choices: str) -> Scores:
    """Scores of images that each see one scene: `a="002"` is three images of class a."""
    labels = [name for name, digits in choices.items() for _ in digits]
    rows = [np.eye(4)[int(digit)] for digits in choices.values() for digit in digits]
    similar = np.array(rows, np.float32).reshape(-1, 4)
    return score_cosines(which, similar, labels, scoring=Scoring(), logit_scale=5.0)


def set_rules(which: AttributeSystem, **choices: str) -> list[tuple[str, Choice]]:
    proposals = suggest(seen(which, **choices), which)
    edits = [edit for proposal in proposals for edit in proposal.edits]
    return [(e.class_name, e.options) for e in edits if isinstance(e, SetRule)]


def test_a_rule_its_own_images_contradict() -> None:
    which = system("rocks", "a field", "a lake")
    proposals = suggest(seen(which, a="000000001", b="222", c="33"), which)
    assert proposals == (
        Proposal(
            edits=(SetRule(class_name="a", group="scene", options=("space",)),),
            source="data",
            reason='8 of 9 review images see "space" (57-98 %), the rule says "rocks" (seen by 1)',
        ),
    )


def test_a_rule_that_names_nothing() -> None:
    which = system(None, "space", "rocks", "a lake")
    (proposal,) = suggest(seen(which, a="2223", b="00"), which)
    assert proposal.edits == (SetRule(class_name="a", group="scene", options=("a field",)),)
    assert proposal.reason.endswith("the rule names nothing")


@pytest.mark.parametrize(
    ("choices", "proposed"),
    [
        ("00", True),
        ("0", False),  # a single image
        ("0012", False),  # half of the images, not more
        ("00012", True),
        ("0001", True),
        ("00011", False),  # less than twice as many as see the rule's
        ("000011", True),
        ("1111", False),  # as the rule says
    ],
)
def test_the_bounds(choices: str, proposed: bool) -> None:
    which = system("rocks", "a field", "a lake", "space")
    assert set_rules(which, a=choices, b="222") == ([("a", ("space",))] if proposed else [])


def test_what_all_images_see_says_nothing_about_a_class() -> None:
    everywhere = system("rocks", "space", "space")
    assert set_rules(everywhere, a="0001", b="0000", c="0000") == []
    # 3 of class a's 4 images are no more than 6 of the others' 8, but more than 5 of them.
    which = system("rocks", "space", "a field")
    assert set_rules(which, a="0001", b="0000", c="0022") == []
    assert set_rules(which, a="0001", b="0000", c="0222") == [("a", ("space",))]


def test_a_rule_of_several_options_is_left_to_a_person() -> None:
    assert set_rules(system(("rocks", "a lake"), "a field"), a="000", b="222") == []


def test_strongest_first_then_class_order() -> None:
    which = system("rocks", "rocks", "rocks", "a field")
    found = set_rules(which, a="333", b="0000", c="2222", d="2")
    assert found == [("b", ("space",)), ("c", ("a field",)), ("a", ("a lake",))]


def test_idle_options_are_dropped_last_while_two_remain() -> None:
    which = system("rocks", "space")
    proposals = suggest(seen(which, a="000", b="1"), which)
    assert [proposal.edits[0].kind for proposal in proposals] == [
        "set_rule",
        "drop_option",
        "drop_option",
    ]
    assert proposals[1].edits == (DropOption(group="scene", option="a field"),)
    assert proposals[1].reason == 'no rule names "a field", and none of 4 review images see it'

    # Three idle options of four: accepting every proposal must leave a group of two.
    lonely = system("space", None)
    idle = suggest(seen(lonely, a="00", b="0"), lonely)
    assert [p.edits[0].kind for p in idle] == ["drop_option"] * 2


def test_an_option_that_anyone_sees_is_kept() -> None:
    which = system("rocks", "space", "a field")
    # The image of an unknown class sees the lake.
    scores = seen(which, a="1", b="0", c="2", unknown="3")
    assert suggest(scores, which) == ()


def test_no_images_no_proposals() -> None:
    which = system("rocks", "space")
    assert suggest(seen(which), which) == ()
    assert set_rules(which, unknown="000") == []


@settings(derandomize=True, deadline=None, max_examples=60)
@given(
    st.lists(st.sampled_from([*SCENES, None]), min_size=2, max_size=5),
    st.lists(st.text("0123", max_size=6), min_size=5, max_size=5),
)
def test_every_proposal_follows_from_the_counts(rules: list[str | None], digits: list[str]) -> None:
    which = system(*rules)
    names = which.classes
    choices = {name: digits[index] for index, name in enumerate(names)}
    found = set_rules(which, **choices)
    assert len(dict(found)) == len(found)
    everything = "".join(choices.values())
    expected = []
    for name, own, rule in zip(names, choices.values(), rules, strict=True):
        for code, option in enumerate(SCENES):
            k = own.count(str(code))
            kept = own.count(str(SCENES.index(rule))) if rule else 0
            others = len(everything) - len(own)
            share = (everything.count(str(code)) - k) / others if others else -1.0
            clear = k >= 2 and k > len(own) / 2 and k >= 2 * kept and k / len(own) > share
            if clear and option != rule:
                expected.append((name, (option,), kept - k, -k / len(own)))
    expected.sort(key=lambda item: item[2:])
    assert found == [item[:2] for item in expected]
