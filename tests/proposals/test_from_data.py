"""What the data proposes, and what it rightly keeps to itself."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.edits.apply import apply
from builder.edits.model import Proposal, SetRule
from builder.proposals.from_data import suggest
from builder.scoring.score import Scores, score_cosines
from builder.scoring.statistics import wilson
from builder.system.model import AttributeGroup, AttributeSystem, Choice, Scoring, make_system
from tests.chance import chance
from tests.strategies import THOROUGH, systems

SCENES = ("space", "rocks", "a field", "a lake")


def system(*rules: str | Sequence[str] | None) -> AttributeSystem:
    """One group of four scenes; a class per argument, named a, b, c, …

    Where one names nothing there is another group, the same for all: they do have rules.
    """
    groups = [AttributeGroup(name="scene", prompt="In {}.", options=SCENES)]
    if None in rules:
        groups.append(AttributeGroup(name="kind", prompt="{}", options=("a thing", "none")))
    row = {group.name: group.options[0] for group in groups}
    return make_system(
        "test",
        groups,
        {chr(97 + index): {**row, "scene": rule} for index, rule in enumerate(rules)},
    )


def seen(which: AttributeSystem, **choices: Sequence[str]) -> Scores:
    """Scores of images that each see one option of each group, a digit each, or the first.

    In one group `a="002"` is three images of class a, in two `a=["00", "21"]` are two.
    """
    labels = [name for name, images in choices.items() for _ in images]
    sizes = [len(group.options) for group in which.groups]
    rows = [
        np.concatenate([np.eye(size)[int(d)] for size, d in zip(sizes, image, strict=True)])
        for images in choices.values()
        for image in (each.ljust(len(sizes), "0") for each in images)
    ]
    similar = np.array(rows, np.float32).reshape(-1, sum(sizes))
    return score_cosines(which, similar, labels, scoring=Scoring(), logit_scale=5.0)


def new_rules(proposals: Sequence[Proposal]) -> list[tuple[str, Choice]]:
    """What the proposals of a single rule set, in their order."""
    edits = [proposal.edits[0] for proposal in proposals if len(proposal.edits) == 1]
    return [(edit.class_name, edit.options) for edit in edits if isinstance(edit, SetRule)]


def distinguishes(proposal: Proposal) -> bool:
    """Whether a pair is the reason, rather than one class's images."""
    return proposal.reason.startswith('"')


def set_rules(which: AttributeSystem, **choices: str) -> list[tuple[str, Choice]]:
    """Rules corrected or of several options, each by the images of its own class."""
    proposals = suggest(seen(which, **choices), which)
    return new_rules([p for p in proposals if not distinguishes(p)])


def corrections(which: AttributeSystem, **choices: str) -> list[tuple[str, Choice]]:
    return [found for found in set_rules(which, **choices) if len(found[1]) == 1]


def splits(which: AttributeSystem, **choices: str) -> list[tuple[str, Choice]]:
    return [found for found in set_rules(which, **choices) if len(found[1]) > 1]


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
    proposal = suggest(seen(which, a="2223", b="00"), which)[0]
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
    assert corrections(which, a=choices, b="222") == ([("a", ("space",))] if proposed else [])


def test_what_all_images_see_says_nothing_about_a_class() -> None:
    everywhere = system("rocks", "space", "space")
    assert set_rules(everywhere, a="0001", b="0000", c="0000") == []
    # 3 of class a's 4 images are no more than 6 of the others' 8, but more than 5 of them.
    which = system("rocks", "space", "a field")
    assert set_rules(which, a="0001", b="0000", c="0022") == []
    assert set_rules(which, a="0001", b="0000", c="0222") == [("a", ("space",))]


def test_a_rule_of_several_options_is_left_to_a_person() -> None:
    which = system(("rocks", "a lake"), ("rocks", "a lake"), "a field")
    assert new_rules(suggest(seen(which, a="0000", b="1111", c="222"), which)) == []
    assert new_rules(suggest(seen(which, a="0022", b="1111", c="3"), which)) == []


def test_strongest_first_then_class_order() -> None:
    which = system("rocks", "rocks", "rocks", "a field")
    found = set_rules(which, a="333", b="0000", c="2222", d="2")
    assert found == [("b", ("space",)), ("c", ("a field",)), ("a", ("a lake",))]


@pytest.mark.parametrize(
    ("choices", "proposed"),
    [
        ("000000222222", True),
        ("000000022222", True),
        ("222222200000", True),
        ("00000022222", True),
        ("0000022", False),  # one of them twice as often as the other, and more
        ("0022", True),
        ("02", False),  # a single image each
        ("00221", True),
        ("0002211", False),  # a third is no rarer than half of the second
        ("000022221122", True),
        ("0000222211", True),
        ("00002222111", False),
        ("000222113", False),
    ],
)
def test_a_class_whose_images_split(choices: str, proposed: bool) -> None:
    for rule in ("rocks", "space", "a field", None):
        which = system(rule, "rocks", "a lake")
        expected = [("a", ("space", "a field"))] if proposed else []
        assert splits(which, a=choices, b="1111", c="3333") == expected


def test_two_of_many_options_that_are_not_most_of_the_images_are_no_split() -> None:
    group = AttributeGroup(name="scene", prompt="In {}.", options=tuple("abcdefghij"))
    which = make_system("test", [group], {"a": {"scene": "c"}, "b": {"scene": "j"}})
    assert splits(which, a="00112345", b="9999") == []
    assert splits(which, a="0011234", b="9999") == [("a", ("a", "b"))]


def test_the_reason_for_several_options() -> None:
    which = system("space", "rocks")
    (proposal,) = suggest(seen(which, a="222000000221", b="1113"), which)
    assert proposal.edits == (SetRule(class_name="a", group="scene", options=("space", "a field")),)
    low, high = wilson(11, 12).low, wilson(11, 12).high
    assert proposal.reason == (
        '6 of 12 review images see "space", 5 "a field" '
        f'(together {100 * low:.0f}-{100 * high:.0f} %), the rule says "space" (seen by 6)'
    )


def test_a_split_that_the_other_classes_show_too_says_nothing() -> None:
    which = system("rocks", "rocks", "a lake")
    assert splits(which, a="0022", b="1110", c="3333") == [("a", ("space", "a field"))]
    # Half of the others' images see space as well, then a field.
    assert splits(which, a="0022", b="0011", c="0033") == []
    assert splits(which, a="0022", b="2211", c="2233") == []


def test_both_of_two_options_say_nothing() -> None:
    group = AttributeGroup(name="scene", prompt="In {}.", options=SCENES[:2])
    which = make_system("test", [group], {"a": {"scene": "rocks"}, "b": {"scene": "rocks"}})
    assert set_rules(which, a="0011") == []


# --- Pairs ------------------------------------------------------------------------------------

COLOURS = AttributeGroup(name="color", prompt="It is {}.", options=("white", "pale pink"))
SCENE = AttributeGroup(name="background", prompt="In {}.", options=("rocks", "outer space"))
ALIKE = make_system(
    "test",
    [COLOURS, SCENE],
    {
        "Absol": {"color": "white", "background": "rocks"},
        "Absol G": {"color": "pale pink", "background": "rocks"},
    },
)
# Color is little better than a coin; the background, in which the rules agree, would tell.
ABSOL = [*["00"] * 7, *["10"] * 4, "11"]
ABSOL_G = [*["11"] * 6, *["01"] * 2, *["00"] * 4]


def distinctions(which: AttributeSystem, **images: Sequence[str]) -> list[tuple[str, Choice]]:
    proposals = suggest(seen(which, **images), which)
    return new_rules([p for p in proposals if distinguishes(p)])


def test_a_pair_that_differs_in_one_weak_group_only() -> None:
    scores = seen(ALIKE, **{"Absol": ABSOL, "Absol G": ABSOL_G})
    edit = SetRule(class_name="Absol G", group="background", options=("outer space",))
    (proposal,) = [p for p in suggest(scores, ALIKE) if p.edits == (edit,)]
    assert proposal.reason == (
        '"Absol" and "Absol G" differ in one weak group only (color 54 %); '
        '8 of 12 review images of "Absol G" see "outer space" in background (39-86 %), '
        '1 of 12 of "Absol" (1-35 %)'
    )


def test_a_pair_with_the_same_rules() -> None:
    which = system("rocks", "rocks", "a lake")
    # Half of a's images: too few to correct its rule for its own sake.
    images = {"a": "000000111111", "b": "111111111111", "c": "3"}
    assert corrections(which, **images) == []
    proposals = suggest(seen(which, **images), which)
    assert proposals[0].reason.startswith('"a" and "b" have the same rules; 6 of 12 review images')
    assert new_rules(proposals[:1]) == [("a", ("space",))]


def test_the_clearest_difference_comes_first() -> None:
    which = make_system(
        "test",
        [COLOURS, AttributeGroup(name="scene", prompt="In {}.", options=SCENES)],
        {name: {"color": None, "scene": "rocks"} for name in ("a", "b")},
    )
    # a: white 7 of 8, b 1; space 8 of 8, b 0. b: pale pink 7 of 8, a 1; a field 6 of 8, a 0.
    images = {"a": [*["00"] * 7, "10"], "b": ["02", *["12"] * 5, *["11"] * 2]}
    assert distinctions(which, **images) == [("a", ("space",)), ("b", ("pale pink",))]
    swapped = {"a": images["b"], "b": images["a"]}
    assert distinctions(which, **swapped) == [("b", ("space",)), ("a", ("pale pink",))]


def test_a_pair_of_several_weak_groups_is_shown_the_best() -> None:
    rules = {"a": {"color": "white", "background": "rocks"}}
    rules["b"] = {"color": "pale pink", "background": "outer space"}
    shape = AttributeGroup(name="shape", prompt="{}", options=("round", "long", "flat"))
    which = make_system("test", [COLOURS, SCENE, shape], rules)
    scores = seen(which, a=["000"] * 3 + ["110"] * 3, b=["001"] * 2 + ["111"] * 3 + ["011"])
    proposals = [p for p in suggest(scores, which) if distinguishes(p)]
    assert new_rules(proposals) == [("a", ("round",)), ("b", ("long",))]
    assert (
        "differ in 2 weak groups only (the best, background, 58 %); 6 of 6" in proposals[0].reason
    )


@pytest.mark.parametrize(
    ("a", "b", "proposed"),
    [
        ("0000", "1111", True),
        ("000", "11111", True),
        ("000", "1111", False),  # 44-100 % and 0-49 % meet
        ("0000001111", "0111111111", False),
        ("00000000001111", "01111111111111", True),
        ("0000011111111", "1111111111111", False),  # most of its images see what the rule says
        ("", "1111", False),
    ],
)
def test_how_clearly_two_classes_must_differ(a: str, b: str, proposed: bool) -> None:
    which = system("rocks", "rocks", "a lake")
    assert (("a", ("space",)) in distinctions(which, a=a, b=b)) == proposed


def test_a_pair_that_a_group_separates_well_needs_no_other() -> None:
    # Color tells 9 of 12 of each: 75 %.
    images = {"Absol": ["00"] * 9 + ["10"] * 3, "Absol G": ["11"] * 9 + ["01"] * 3}
    assert distinctions(ALIKE, **images) == []
    images["Absol G"] = ["11"] * 8 + ["01"] * 4
    assert distinctions(ALIKE, **images) == [("Absol G", ("outer space",))]


def test_a_single_mistake_is_no_confusion() -> None:
    which = system("rocks", "rocks")
    # Ties go to the first class: as many mistakes as b has images.
    assert distinctions(which, a="0" * 16, b="1") == []
    assert distinctions(which, a="0" * 16, b="11") == [("a", ("space",))]


def test_what_the_other_class_already_has_tells_nothing() -> None:
    # b's rule says space, which a's images see and b's do not.
    which = system("rocks", "space")
    images = {"a": "0000", "b": "2222"}
    assert ("a", ("space",)) not in distinctions(which, **images)


def test_where_no_option_separates_nothing_is_proposed() -> None:
    which = system("rocks", "rocks", "a lake")
    assert distinctions(which, a="00001111", b="00001111", c="3") == []


# --- The list ---------------------------------------------------------------------------------


def test_kinds_come_in_order_and_each_edit_once() -> None:
    which = system("rocks", "rocks", "a field", "a field", "a lake")
    images = {"a": "00000000", "b": "11111111", "c": "22222222", "d": "33330000", "e": "33333333"}
    proposals = suggest(seen(which, **images), which)
    found = [(p.edits[0].class_name, p.edits[0].options) for p in proposals if new_rules([p])]
    # a's new rule tells it from b and would be a correction too; d's images split.
    assert found == [("a", ("space",)), ("d", ("space", "a lake"))]
    assert distinguishes(proposals[0])


def test_what_was_rejected_leaves_its_place_to_the_next() -> None:
    names = [f"class {number:02}" for number in range(50)]
    group = AttributeGroup(name="scene", prompt="In {}.", options=SCENES)
    which = make_system("test", [group], {name: {"scene": "rocks"} for name in names})
    scores = seen(which, **{name: "000222333"[n % 3 * 3 :][:3] for n, name in enumerate(names)})
    first = suggest(scores, which)
    assert len(new_rules(first)) == 20
    second = suggest(scores, which, unwanted=first.__contains__)
    third = suggest(scores, which, unwanted=(first + second).__contains__)
    assert [name for name, _ in new_rules(first + second + third)] == names


def test_no_images_no_proposals() -> None:
    which = system("rocks", "space")
    assert suggest(seen(which), which) == ()
    assert set_rules(which, unknown="000") == []


@THOROUGH
@given(
    st.lists(st.sampled_from([*SCENES, None]), min_size=2, max_size=5),
    st.lists(st.text("0123", max_size=6), min_size=5, max_size=5),
)
def test_every_rule_follows_from_the_counts(rules: list[str | None], digits: list[str]) -> None:
    which = system(*rules)
    choices = dict(zip(which.classes, digits, strict=False))
    proposals = suggest(seen(which, **choices), which)
    telling = new_rules([p for p in proposals if distinguishes(p)])
    everything = "".join(choices.values())
    expected: list[tuple[int, int, float, tuple[str, Choice]]] = []
    for (name, own), rule in zip(choices.items(), rules, strict=True):
        kept = own.count(str(SCENES.index(rule))) if rule else 0
        others = len(everything) - len(own)
        counts = {code: own.count(str(code)) for code in range(4)}
        typical = {
            code
            for code, k in counts.items()
            if not others or k / len(own or "?") > (everything.count(str(code)) - k) / others
        }
        for codes in ([0], [1], [2], [3], [0, 1], [0, 2], [0, 3], [1, 2], [1, 3], [2, 3]):
            ks = [counts[code] for code in codes]
            rest = max((k for code, k in counts.items() if code not in codes), default=0)
            if len(codes) == 1:
                clear = ks[0] >= 2 * kept and SCENES[codes[0]] != rule
            else:
                clear = max(ks) < 2 * min(ks) and min(ks) >= 2 * rest
            if clear and min(ks) >= 2 and sum(ks) > len(own) / 2 and typical >= set(codes):
                change = (name, tuple(SCENES[code] for code in codes))
                expected.append((len(codes), kept - sum(ks), -sum(ks) / len(own), change))
    expected.sort(key=lambda item: item[:3])
    ordered = [change for *_, change in expected if change not in telling]
    assert set_rules(which, **choices) == ordered
    for name, (option,) in telling:
        code = str(SCENES.index(option))
        k, n = choices[name].count(code), len(choices[name])
        assert any(
            wilson(k, n).low > wilson(other.count(code), len(other)).high and option != rule
            for other, rule in zip(choices.values(), rules, strict=True)
        )


@st.composite
def scored_systems(draw: st.DrawFn) -> tuple[AttributeSystem, Scores]:
    """A system, and images that mostly see what their class's images see, in any group."""
    which = draw(systems())
    rng = chance(draw(st.integers(0, 2**32 - 1)))
    n = draw(st.integers(0, 60))
    labels = rng.integers(len(which.classes) + 1, size=n)
    names = (*which.classes, "a class that no rule knows")
    parts = []
    for group in which.groups:
        size = len(group.options)
        habit = rng.integers(draw(st.integers(1, size)), size=len(names))
        own = np.where(rng.random(n) < draw(st.sampled_from([0.3, 0.6, 1.0])), habit[labels], 0)
        parts.append(np.eye(size)[own])
    similar = np.hstack(parts).astype(np.float32)
    text = [names[label] for label in labels]
    return which, score_cosines(which, similar, text, scoring=Scoring(), logit_scale=9.0)


@THOROUGH
@given(scored_systems())
def test_every_proposal_applies_changes_something_and_differs(
    case: tuple[AttributeSystem, Scores],
) -> None:
    which, scores = case
    proposals = suggest(scores, which)
    results = [apply(which, proposal.edits) for proposal in proposals]
    assert len({which, *results}) == 1 + len(results)
    assert all(proposal.source == "data" and proposal.reason for proposal in proposals)
    assert suggest(scores, which) == proposals
    keys = {proposal.key for proposal in proposals}
    assert suggest(scores, which, unwanted=lambda made: made.key in keys) == ()
    # All drops of a kind can be accepted, one after the other.
    for kind in ("drop_group", "drop_option"):
        left = which
        for proposal in proposals:
            if proposal.edits[-1].kind == kind:
                left = apply(left, proposal.edits)
