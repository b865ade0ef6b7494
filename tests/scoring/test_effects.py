"""Marks of changed systems against full scores of them."""

import zlib
from collections.abc import Callable, Sequence
from typing import Any, Literal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from builder.edits.apply import apply
from builder.edits.model import (
    AddGroup,
    AddOption,
    DropClass,
    DropGroup,
    DropOption,
    Edit,
    MergeOptions,
    MoveClass,
    MoveGroup,
    MoveOption,
    Proposal,
    RenameClass,
    RenameGroup,
    RenameOption,
    SetDomain,
    SetPrompt,
    SetRule,
    SplitOption,
)
from builder.scoring import effects as increments
from builder.scoring.effects import Increments
from builder.scoring.score import Scores, centred_on, group_weight, score
from builder.scoring.statistics import compare
from builder.system.model import AttributeGroup, AttributeSystem, Scoring, make_system, scored_texts
from tests.chance import chance
from tests.strategies import THOROUGH, proposals_to, systems
from tests.worlds import DRAFT, evaluator

Rule = Literal["sum", "log", "robust-log"]
RULES: tuple[Rule, ...] = ("sum", "log", "robust-log")
Vectors = NDArray[np.float32]
SCALE = 10.0
SIZE = 16
UNKNOWN = "a class that no system has"


def encode(texts: Sequence[str]) -> Vectors:
    """A random direction for each text, always the same."""
    rows = [
        chance(zlib.crc32(text.encode("utf-8", "surrogatepass"))).normal(size=SIZE)
        for text in texts
    ]
    vectors = np.array(rows, np.float32).reshape(len(texts), SIZE)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def random_images(count: int, seed: int = 0) -> Vectors:
    vectors = chance(seed).normal(size=(count, SIZE)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def full(
    system: AttributeSystem,
    images: Vectors,
    labels: Sequence[str],
    scoring: Scoring,
    encoder: Callable[[Sequence[str]], Vectors] = encode,
) -> Scores:
    texts = scored_texts(system, scoring)
    vectors = encoder(texts)
    scoring = centred_on(images, texts, vectors, scoring)
    return score(system, images, vectors, labels, scoring=scoring, logit_scale=SCALE)


@st.composite
def scorings(draw: st.DrawFn, *systems: AttributeSystem) -> Scoring:
    """Any rule, with or without each of the other parts; weights of some groups, also of 0."""
    prompts = [group.prompt for system in systems for group in system.groups]
    weights = st.sampled_from([0.0, 0.3, 1.0, 2.5])
    return Scoring(
        rule=draw(st.sampled_from(RULES)),
        scale=draw(st.sampled_from([None, 1.0, 60.0])),
        means=draw(st.sampled_from([None, {}])),
        weights=draw(st.just({}) | st.dictionaries(st.sampled_from(prompts), weights)),
        name_prior=draw(st.sampled_from([0.0, 0.0, 0.5, 2.0])),
    )


def increments_of(
    system: AttributeSystem,
    images: Vectors,
    labels: Sequence[str],
    scoring: Scoring,
    encoder: Callable[[Sequence[str]], Vectors] = encode,
) -> Increments:
    before = full(system, images, labels, scoring, encoder)
    return Increments(system, before, images, labels, encoder, scoring, SCALE)


def labelled(systems: Sequence[AttributeSystem], images: Vectors, scoring: Scoring) -> list[str]:
    """Mostly what one of the systems takes the images for, or nearly, so that marks can change."""
    ranks = [
        full(system, images, [""] * len(images), scoring).totals.argsort(axis=1)[:, place]
        for system in systems
        for place in (-1, -2)
    ]
    classes = systems[0].classes
    return [
        UNKNOWN if index % 11 == 10 else classes[ranks[index % len(ranks)][index] % len(classes)]
        for index in range(len(images))
    ]


def assert_marks(
    made: NDArray[np.bool_],
    after: AttributeSystem,
    expected: Scores,
    scoring: Scoring = Scoring(),  # noqa: B008 - it is frozen
    *,
    exactly: bool = False,
) -> None:
    """The same marks, but for totals of different rules that are as good as equal."""
    for image in np.flatnonzero(made != expected.correct):
        totals, label = expected.totals[image], expected.labels[image]
        assert not exactly and label >= 0
        first = int(expected.predictions[image])
        rivals = [totals[first]] if first != label else np.delete(totals, label)
        gap = abs(max(rivals) - totals[label])
        assert gap <= 1e-5 * max(1, abs(totals).max())
        weights = [group_weight(group, scoring) for group in after.groups]
        rules = [
            [set(c) for c, weight in zip(row.values(), weights, strict=True) if weight]
            for row in after.rules.values()
        ]
        assert first == label or scoring.name_prior or rules[first] != rules[label]


def crowd(seed: int, classes: int, groups: int, options: int) -> AttributeSystem:
    """Many classes; some share all their rules, some choose several options or none."""
    random = chance(seed)
    made = [
        AttributeGroup(
            name=f"g{g}", prompt=f"{g}: {{}}", options=tuple(f"o{k}" for k in range(options))
        )
        for g in range(groups)
    ]

    def choice(group: AttributeGroup) -> list[str]:
        count = 1 if random.random() < 0.8 else random.integers(options + 1)
        return [group.options[k] for k in random.choice(options, count, replace=False)]

    rows = [{group.name: choice(group) for group in made} for _ in range(classes)]
    rows = [rows[random.integers(len(rows))] if random.random() < 0.2 else row for row in rows]
    return make_system("crowd", made, {f"class {c}": row for c, row in enumerate(rows)})


@st.composite
def crowds(draw: st.DrawFn) -> AttributeSystem:
    return crowd(
        draw(st.integers(0, 2**32 - 1)),
        classes=draw(st.integers(2, 40)),
        groups=draw(st.integers(1, 4)),
        options=draw(st.integers(2, 5)),
    )


@THOROUGH
@given(st.data())
def test_marks_are_those_of_a_full_score(data: st.DataObject) -> None:
    before = data.draw(systems() | crowds())
    afters = [apply(before, data.draw(proposals_to(before)).edits) for _ in range(3)]
    scoring = data.draw(scorings(before, *afters))
    images = random_images(40)
    labels = labelled([before, *afters], images, scoring)
    base = increments_of(before, images, labels, scoring)
    expected = [full(after, images, labels, scoring) for after in afters]
    for after, scores in zip(afters, expected, strict=True):
        assert_marks(next(base.correct([after])), after, scores, scoring)
    together = [next(base.effects([after])) for after in afters]
    assert list(base.effects(afters)) == together
    for after, effect in zip(afters, together, strict=True):
        change = compare(base.scores.correct, next(base.correct([after])))
        assert (effect.n, effect.fixed, effect.broken) == (40, change.fixed, change.broken)


@THOROUGH
@given(st.data(), crowds())
def test_many_rules_at_once(data: st.DataObject, before: AttributeSystem) -> None:
    scoring = data.draw(scorings(before))
    changes = st.builds(
        lambda name, group, place: SetRule(
            class_name=name, group=group.name, options=(group.options[place % len(group.options)],)
        ),
        st.sampled_from(before.classes),
        st.sampled_from(before.groups),
        st.integers(0, 4),
    )
    after = apply(before, data.draw(st.lists(changes, min_size=1, max_size=12)))
    images = random_images(150)
    labels = labelled([before, after], images, scoring)
    base = increments_of(before, images, labels, scoring)
    assert_marks(next(base.correct([after])), after, full(after, images, labels, scoring), scoring)


CROWD = crowd(3, classes=40, groups=3, options=4)
GROUP = AttributeGroup(name="new", prompt="new: {}", options=("p", "q", "r", "s"))
USERS = {name: row["g0"] for name, row in CROWD.rules.items() if "o0" in row["g0"]}
WITHOUT_A_FULL_SCORE: dict[str, list[Edit]] = {
    "domain": [SetDomain(domain="other")],
    "group renamed": [RenameGroup(group="g0", to="G")],
    "group moved": [MoveGroup(group="g0", position=2)],
    "option moved": [MoveOption(group="g0", option="o0", position=3)],
    "rule": [SetRule(class_name="class 3", group="g1", options=("o2",))],
    "rule to none": [SetRule(class_name="class 3", group="g1", options=())],
    "rules of two groups": [
        SetRule(class_name="class 3", group="g1", options=("o2", "o3")),
        SetRule(class_name="class 7", group="g0", options=("o1",)),
        SetRule(class_name="class 3", group="g2", options=("o1",)),
    ],
    "a fifth of the rules": [
        SetRule(class_name=f"class {c}", group="g1", options=("o2",)) for c in range(8)
    ],
    "all rules": [SetRule(class_name=name, group="g1", options=("o2",)) for name in CROWD.classes],
    "option renamed": [RenameOption(group="g0", option="o0", to="other")],
    "option added": [AddOption(group="g0", option="other", position=1)],
    "option added and used": [
        AddOption(group="g0", option="other"),
        *(SetRule(class_name=f"class {c}", group="g0", options=("other",)) for c in range(6)),
    ],
    "option dropped": [DropOption(group="g0", option="o0", replacement="o1")],
    "option split": [
        SplitOption(
            group="g0",
            option="o0",
            into=("x", "y"),
            classes={name: (("x", "y")[c % 2],) for c, name in enumerate(USERS)},
        )
    ],
    "options merged": [MergeOptions(group="g0", options=("o0", "o2"), into="both")],
    "prompt": [SetPrompt(group="g2", prompt="it has {}")],
    "prompt and rule elsewhere": [
        SetPrompt(group="g2", prompt="it has {}"),
        SetRule(class_name="class 5", group="g1", options=("o1",)),
    ],
    "group dropped": [DropGroup(group="g1")],
    "group added": [
        AddGroup(
            group=GROUP,
            position=0,
            rules={name: (GROUP.options[c % 4],) for c, name in enumerate(CROWD.classes[:33])},
        )
    ],
    "group replaced": [DropGroup(group="g1"), AddGroup(group=GROUP, rules={"class 1": ("q",)})],
}
WITH_A_FULL_SCORE: dict[str, list[Edit]] = {
    "class renamed": [RenameClass(class_name="class 3", to="other")],
    "class moved": [MoveClass(class_name="class 3", position=0)],
    "class dropped": [DropClass(class_name="class 3")],
    "two prompts": [SetPrompt(group="g1", prompt="a {}"), SetPrompt(group="g2", prompt="b {}")],
}


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("kind", [*WITHOUT_A_FULL_SCORE, *WITH_A_FULL_SCORE])
def test_each_kind_of_change(kind: str, rule: Rule, monkeypatch: pytest.MonkeyPatch) -> None:
    scoring = Scoring(rule=rule)
    after = apply(CROWD, (WITHOUT_A_FULL_SCORE | WITH_A_FULL_SCORE)[kind])
    images = random_images(400)
    labels = labelled([CROWD, after], images, scoring)
    base = increments_of(CROWD, images, labels, scoring)
    expected = full(after, images, labels, scoring)
    made: list[AttributeSystem] = []

    def counted(system: AttributeSystem, *args: Any, **options: Any) -> Scores:
        made.append(system)
        return score(system, *args, **options)

    monkeypatch.setattr(increments, "score", counted)
    marks = next(base.correct([after]))
    assert len(made) == (kind in WITH_A_FULL_SCORE)
    assert_marks(marks, after, expected)
    assert 50 < np.count_nonzero(marks) < 350
    if kind in ("domain", "group renamed", "group moved", "option moved"):
        np.testing.assert_array_equal(marks, base.scores.correct)


@pytest.mark.parametrize("rule", RULES)
def test_little_memory_and_small_batches_change_nothing(
    rule: Rule, monkeypatch: pytest.MonkeyPatch
) -> None:
    scoring = Scoring(rule=rule)
    afters = [apply(CROWD, edits) for edits in (WITHOUT_A_FULL_SCORE | WITH_A_FULL_SCORE).values()]
    images = random_images(100)
    labels = labelled([CROWD, *afters], images, scoring)
    expected = list(increments_of(CROWD, images, labels, scoring).effects(afters))
    for bound, value in {"_MOST_KEPT": 1, "_BATCH": 3, "_BLOCK": 7}.items():
        monkeypatch.setattr(increments, bound, value)
    base = increments_of(CROWD, images, labels, scoring)
    assert list(base.effects(afters)) == expected
    assert len(base._leaders) == 1
    monkeypatch.setattr(increments, "_MOST_STEPS", 0)
    assert list(increments_of(CROWD, images, labels, scoring).effects(afters)) == expected


def test_only_new_phrases_are_encoded_and_together() -> None:
    asked: list[list[str]] = []

    def noted(texts: Sequence[str]) -> Vectors:
        asked.append(list(texts))
        return encode(texts)

    images = random_images(5)
    base = increments_of(CROWD, images, ["class 1"] * 5, Scoring(), noted)
    next(base.effects([apply(CROWD, WITHOUT_A_FULL_SCORE["rule"])]))
    asked.clear()
    kinds = ("option renamed", "rule", "option split", "group dropped", "group added")
    list(base.effects([apply(CROWD, WITHOUT_A_FULL_SCORE[kind]) for kind in kinds]))
    assert asked == [["0: other", "0: x", "0: y", "new: p", "new: q", "new: r", "new: s"]]


# --- Ties -------------------------------------------------------------------------------------

TWO = [
    AttributeGroup(name="g", prompt="{}", options=("a", "b", "c")),
    AttributeGroup(name="h", prompt="is {}", options=("x", "y")),
]


def all_marks(
    rules: dict[str, tuple[str, str]], edits: Sequence[Edit], rule: Rule
) -> list[tuple[str, int]]:
    """How often each class is recognised after the edits, of images all taken for one of them."""
    before = make_system("ties", TWO, {name: {"g": g, "h": h} for name, (g, h) in rules.items()})
    after = apply(before, edits)
    images = np.repeat(random_images(60), len(rules), axis=0)
    labels = list(rules) * 60
    base = increments_of(before, images, labels, Scoring(rule=rule))
    marks = next(base.correct([after]))
    assert_marks(marks, after, full(after, images, labels, Scoring(rule=rule)), exactly=True)
    # One class, and one only, is right about each image: of equal ones the first.
    assert marks.reshape(60, -1).sum(axis=1).tolist() == [1] * 60
    return list(zip(rules, marks.reshape(60, -1).sum(axis=0).tolist(), strict=True))


@pytest.mark.parametrize("rule", RULES)
def test_classes_with_identical_rules_before(rule: Rule) -> None:
    rules = {"1": ("a", "x"), "2": ("b", "x"), "twin": ("a", "x"), "3": ("c", "y")}
    same = [SetRule(class_name="2", group="g", options=("b", "c"))]
    assert dict(all_marks(rules, same, rule))["twin"] == 0
    # Its first moves away, or it does: either way the other is alone from then on.
    for name in ("1", "twin"):
        moved = [SetRule(class_name=name, group="h", options=("y",))]
        found = dict(all_marks(rules, moved, rule))
        assert found["1"] > 0 and found["twin"] > 0
    prompt = [SetPrompt(group="g", prompt="new {}")]
    assert dict(all_marks(rules, prompt, rule))["twin"] == 0
    found = dict(all_marks(rules, [*prompt, *moved], rule))
    assert found["1"] > 0 and found["twin"] > 0


@pytest.mark.parametrize("rule", RULES)
def test_classes_whose_rules_become_identical(rule: Rule) -> None:
    rules = {"1": ("a", "x"), "2": ("b", "x"), "3": ("c", "y"), "4": ("b", "y")}

    def recognised(*edits: Edit) -> set[str]:
        return {name for name, count in all_marks(rules, edits, rule) if count}

    assert recognised(SetRule(class_name="3", group="g", options=("b",))) == {"1", "2", "3"}
    assert recognised(SetRule(class_name="2", group="g", options=("a",))) == {"1", "3", "4"}
    assert recognised(DropGroup(group="h")) == {"1", "2", "3"}
    assert recognised(DropGroup(group="g")) == {"1", "3"}
    assert recognised(MergeOptions(group="g", options=("b", "c"), into="d")) == {"1", "2", "3"}
    assert recognised(DropOption(group="g", option="b", replacement="a")) == {"1", "3", "4"}
    naming_all = SetRule(class_name="1", group="h", options=("x", "y"))
    naming_none = SetRule(class_name="2", group="h", options=())
    both_b = SetRule(class_name="2", group="g", options=("a",))
    assert recognised(naming_all, naming_none, both_b) == {"1", "3", "4"}


# The kinds that leave four options in every group: then nothing is rounded.
QUARTERS = (
    "rule",
    "rules of two groups",
    "a fifth of the rules",
    "all rules",
    "option renamed",
    "prompt",
    "prompt and rule elsewhere",
    "group dropped",
    "group added",
    "group replaced",
)


@pytest.mark.parametrize("kind", QUARTERS)
def test_different_rules_may_tie_everywhere(kind: str) -> None:
    """No phrase says anything of any image: all classes tie, and the first is taken."""

    def silent(texts: Sequence[str]) -> Vectors:
        return np.eye(2, SIZE, dtype=np.float32)[[0] * len(texts)]

    before = CROWD.model_copy(
        update={
            "rules": {
                name: {group: choice[:1] for group, choice in row.items()}
                for name, row in CROWD.rules.items()
            }
        }
    )
    after = apply(before, WITHOUT_A_FULL_SCORE[kind])
    images = np.eye(2, SIZE, dtype=np.float32)[[1] * 40]
    labels = [*before.classes]
    base = increments_of(before, images, labels, Scoring(), silent)
    marks = next(base.correct([after]))
    assert np.flatnonzero(marks).tolist() == [0]
    assert_marks(marks, after, full(after, images, labels, Scoring(), silent), exactly=True)


def encode_ties(texts: Sequence[str]) -> Vectors:
    """Images along the first axis see "a" and "b" alike, "c" not, and nothing else at all."""
    axes = np.eye(2, SIZE, dtype=np.float32)
    seen = {"a": axes[0], "b": axes[0], "c": -axes[0]}
    return np.array([seen.get(text, axes[1]) for text in texts])


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize(
    "edit",
    [
        # The third class steps alone, and the others tie in the one block that is left.
        SetRule(class_name="3", group="h", options=("y",)),
        # Each class is a block by itself.
        RenameOption(group="g", option="c", to="d"),
    ],
)
def test_two_classes_tie_ahead_of_the_others(edit: Edit, rule: Rule) -> None:
    rules = {"1": ("a", "x"), "2": ("b", "x"), "3": ("c", "x"), "4": ("c", "y")}
    before = make_system("ties", TWO, {name: {"g": g, "h": h} for name, (g, h) in rules.items()})
    images = np.eye(1, SIZE, dtype=np.float32)[[0] * 4]
    base = increments_of(before, images, list(rules), Scoring(rule=rule), encode_ties)
    assert base.scores.ties == 4
    assert next(base.correct([apply(before, [edit])])).tolist() == [True, False, False, False]


@pytest.mark.parametrize("rule", RULES)
def test_classes_that_tied_for_the_second_place_part(rule: Rule) -> None:
    """The first, which stays, must not be lost with the two of them."""
    cosine = {"top": 0.9, "a": 0.5, "b": 0.5, "c": 0.0, "is x": 0.5, "is y": 0.6, "is z": 0.4}

    def slanted(texts: Sequence[str]) -> Vectors:
        vectors = np.zeros((len(texts), SIZE), np.float32)
        vectors[:, 0] = [cosine[text] for text in texts]
        return vectors

    groups = [
        AttributeGroup(name="g", prompt="{}", options=("top", "a", "b", "c")),
        AttributeGroup(name="h", prompt="is {}", options=("x", "y", "z")),
    ]
    rules = {"first": "top", "up": "a", "down": "b", **{f"other {c}": "c" for c in range(8)}}
    before = make_system("ties", groups, {name: {"g": g, "h": "x"} for name, g in rules.items()})
    parted = [
        SetRule(class_name="up", group="h", options=("y",)),
        SetRule(class_name="down", group="h", options=("z",)),
    ]
    images = np.eye(1, SIZE, dtype=np.float32)[[0] * 3]
    labels = ["first", "up", "down"]
    base = increments_of(before, images, labels, Scoring(rule=rule), slanted)
    assert base.scores.totals[0, 1] == base.scores.totals[0, 2]
    assert next(base.correct([apply(before, parted)])).tolist() == [True, False, False]


# --- Edges ------------------------------------------------------------------------------------


@pytest.mark.parametrize("rule", RULES)
def test_without_images(rule: Rule) -> None:
    none = random_images(0)
    base = increments_of(CROWD, none, [], Scoring(rule=rule))
    for edits in WITHOUT_A_FULL_SCORE.values():
        effect = next(base.effects([apply(CROWD, edits)]))
        assert (effect.n, effect.fixed, effect.broken) == (0, 0, 0)


def test_vectors_that_are_not_finite_are_refused() -> None:
    def broken(texts: Sequence[str]) -> Vectors:
        vectors = encode(texts)
        vectors[["other" in text for text in texts], 0] = np.nan
        return vectors

    images = random_images(5)
    base = increments_of(CROWD, images, ["class 1"] * 5, Scoring(), broken)
    with pytest.raises(ValueError, match="not finite"):
        next(base.effects([apply(CROWD, WITHOUT_A_FULL_SCORE["option renamed"])]))


def test_the_referee_measures_a_proposal_like_two_full_scores() -> None:
    at = evaluator()
    edit = SetRule(class_name=DRAFT.classes[2], group="form", options=("a fish",))
    proposal = Proposal(edits=(edit,), source="person")
    before, after = DRAFT, apply(DRAFT, proposal.edits)
    change = compare(at.score(before, "review").correct, at.score(after, "review").correct)
    (effect,) = at.increments(before, at.score(before, "review")).effects([after])
    assert (effect.n, effect.fixed, effect.broken) == (change.n, change.fixed, change.broken)
    assert effect.fixed > 0
