"""What does nothing and can go: groups that fit no better shuffled, options that nobody sees."""

from collections.abc import Mapping, Sequence

import numpy as np

from builder.edits.apply import apply
from builder.edits.model import DropGroup, DropOption, Proposal, SetRule
from builder.proposals.from_data import chance_groups, suggest, unchosen_options
from builder.scoring.score import Scores, score_cosines
from builder.system.model import AttributeGroup, AttributeSystem, Scoring, make_system
from tests.proposals.test_from_data import SCENES, seen, system


def dropped(which: AttributeSystem, **choices: str) -> list[Proposal]:
    return list(unchosen_options(seen(which, **choices), which))


# --- Options ----------------------------------------------------------------------------------


def test_options_in_no_rule_come_last_while_two_remain() -> None:
    which = system("rocks", "space")
    proposals = suggest(seen(which, a="000", b="1"), which)
    assert [proposal.edits[-1].kind for proposal in proposals] == [
        "set_rule",
        "drop_option",
        "drop_option",
    ]
    assert proposals[1].edits == (DropOption(group="scene", option="a field"),)
    assert proposals[1].reason == 'no rule names "a field", and none of 4 review images see it'

    # Three idle options of four: accepting every proposal must leave a group of two.
    lonely = system("space", None)
    assert [p.edits[0].kind for p in dropped(lonely, a="00", b="0")] == ["drop_option"] * 2


def test_an_option_that_anyone_sees_is_kept() -> None:
    which = system("rocks", "space", "a field")
    # The image of an unknown class sees the lake.
    assert dropped(which, a="1", b="0", c="2", unknown="3") == []


def test_the_classes_that_name_it_take_what_their_own_images_see() -> None:
    which = system("a lake", "rocks", "a field", "space")
    (proposal,) = dropped(which, a="0012", b="11", c="22", d="00")
    assert proposal.edits == (DropOption(group="scene", option="a lake", replacement="space"),)
    assert proposal.reason == ('none of 10 review images see "a lake", which the rule of "a" names')


def test_classes_that_differ_get_a_rule_each() -> None:
    which = system("a lake", "a lake", "a lake", ("rocks", "a lake"), ("space", "rocks"))
    (proposal,) = dropped(which, a="00", b="22", c="002", d="11", e="01")
    assert proposal.edits == (
        SetRule(class_name="b", group="scene", options=("a field",)),
        SetRule(class_name="d", group="scene", options=("rocks",)),
        DropOption(group="scene", option="a lake", replacement="space"),
    )
    assert proposal.reason.endswith("which the rules of 4 classes name")
    after = apply(which, proposal.edits)
    rules = {name: row["scene"] for name, row in after.rules.items()}
    assert rules == {
        "a": ("space",),
        "b": ("a field",),
        "c": ("space",),
        "d": ("rocks",),
        "e": ("space", "rocks"),
    }


def test_where_another_option_is_left_the_rule_keeps_just_that() -> None:
    which = system(("rocks", "a lake"), "space", "a field")
    (proposal,) = dropped(which, a="11", b="00", c="22")
    assert proposal.edits == (DropOption(group="scene", option="a lake"),)


def test_a_rule_of_idle_options_only_is_replaced_whole() -> None:
    which = system(("a field", "a lake"), "space", "rocks")
    proposals = dropped(which, a="11", b="00", c="11")
    assert [p.edits[0] for p in proposals] == [
        SetRule(class_name="a", group="scene", options=("rocks",))
    ] * 2
    both = apply(apply(which, proposals[0].edits), proposals[1].edits)
    assert both.groups[0].options == ("space", "rocks")
    assert both.rules["a"]["scene"] == ("rocks",)


def test_an_option_is_not_idle_because_nobody_looked() -> None:
    which = system("a lake", "rocks", "space", "a field")
    assert len(dropped(which, a="00", b="11", c="0", d="22")) == 1
    assert dropped(which, a="0", b="11", c="0", d="22") == []
    assert dropped(which, b="11", c="0", d="22") == []


def test_most_images_first_and_unnamed_ones_go_where_not_all_can() -> None:
    which = system("rocks", "a field", "space")
    assert [p.edits[-1] for p in dropped(which, a="00", b="000", c="0")] == [
        DropOption(group="scene", option="rocks", replacement="space"),
        DropOption(group="scene", option="a lake"),
    ]
    both = make_system(
        "test",
        [AttributeGroup(name=name, prompt="In {}.", options=SCENES[:3]) for name in ("x", "y")],
        {"a": {"x": "rocks", "y": "space"}, "b": {"x": "space", "y": "rocks"}},
    )
    found = unchosen_options(seen(both, a=["02"] * 2 + ["20"], b=["00"] * 4), both)
    assert [(p.edits[-1].group, p.edits[-1].option) for p in found] == [  # type: ignore[union-attr]
        ("y", "rocks"),
        ("x", "rocks"),
    ]


# --- Groups -----------------------------------------------------------------------------------


def grouped(
    rules: Mapping[str, Sequence[int]], truth: Sequence[int]
) -> tuple[AttributeSystem, Scores]:
    """Groups of three options by the classes' rules; five images a class that see the truth."""
    groups = [AttributeGroup(name=name, prompt="{}", options=("x", "y", "z")) for name in rules]
    which = make_system(
        "test",
        groups,
        {
            f"class {index}": {name: "xyz"[codes[index]] for name, codes in rules.items()}
            for index in range(len(truth))
        },
    )
    similar = np.tile(np.eye(3, dtype=np.float32)[np.repeat(truth, 5)], len(rules))
    labels = [name for name in which.classes for _ in range(5)]
    return which, score_cosines(which, similar, labels, scoring=Scoring(), logit_scale=5.0)


TRUTH = (0, 0, 0, 1, 1, 1, 2, 2, 2)


def test_a_group_that_does_not_beat_its_shuffles_is_to_go() -> None:
    others = (0, 1, 2, 0, 1, 2, 0, 1, 2)
    which, scores = grouped({"true": TRUTH, "false": others, "constant": [0] * 9}, TRUTH)
    proposals = [p for p in suggest(scores, which) if isinstance(p.edits[0], DropGroup)]
    assert [p.edits for p in proposals] == [
        (DropGroup(group="constant"),),
        (DropGroup(group="false"),),
    ]
    assert proposals[0].reason == (
        "its rules fit the review images no better than when they are shuffled over the classes "
        "(999 shuffles, p = 1.000)"
    )


def test_the_last_group_stays_whatever_its_rules() -> None:
    others = (0, 1, 2, 0, 1, 2, 0, 1, 2)
    which, scores = grouped({"only": others}, TRUTH)
    assert list(chance_groups(scores, which, seed=0)) == []
    # Of two, the one with the smaller p.
    which, scores = grouped({"constant": [1] * 9, "false": others}, TRUTH)
    (proposal,) = chance_groups(scores, which, seed=0)
    assert proposal.edits == (DropGroup(group="constant"),)


def test_of_three_classes_nothing_can_be_told() -> None:
    which, scores = grouped({"true": (0, 1, 2), "false": (1, 2, 0)}, (0, 1, 2))
    assert list(chance_groups(scores, which, seed=0)) == []
