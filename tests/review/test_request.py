"""What the language model is asked about: few classes, what they look like, a short history."""

import unicodedata
from dataclasses import replace

import numpy as np
import pytest

from builder.diagnosis.confusions import ConfusedPair
from builder.edits.model import Proposal, SetPrompt, SetRule
from builder.proposals.requests import RevisionRequest
from builder.review.findings import Findings, Measurements
from builder.review.request import SMALL, classes_to_show, revision_request
from builder.scoring.evaluator import Evaluator
from builder.scoring.statistics import Effect
from builder.session.records import Decided, Decision, Drafted, Noted
from builder.session.state import State, advance, begin
from builder.system.model import AttributeGroup, AttributeSystem, make_system
from tests import worlds
from tests.worlds import CLASSES, DRAFT, evaluator, started

COLOUR = AttributeGroup(name="colour", prompt="It is {}.", options=("red", "blue", "green"))
FORM = AttributeGroup(name="form", prompt="It looks like {}.", options=("a bird", "a fish"))


def system_of(*classes: str) -> AttributeSystem:
    """All of them red birds, but for the last, which is a red fish."""
    rules = {name: {"colour": "red", "form": "a bird"} for name in classes}
    return make_system(
        "creature", [COLOUR, FORM], rules | {classes[-1]: {**rules[classes[-1]], "form": "a fish"}}
    )


def pair(first: str, second: str) -> ConfusedPair:
    return ConfusedPair(first, second, 1, 0, ())


def numbered(count: int) -> tuple[str, ...]:
    return tuple(f"Class {number:03}" for number in range(count))


def findings(system: AttributeSystem, rows: list[tuple[str, int, int]]) -> Findings:
    """From images: (class, the colour, the form that it clearly sees)."""
    similar = np.zeros((len(rows), 5), np.float32)
    for row, (_, colour, form) in zip(similar, rows, strict=True):
        row[[colour, 3 + form]] = 0.5
    return worlds.findings(system, similar, [label for label, _, _ in rows])


def decided(proposal: Proposal, decision: Decision, reason: str = "") -> Decided:
    effect = Effect(n=100, fixed=5, broken=1)
    return Decided(proposal=proposal, decision=decision, by="person", effect=effect, reason=reason)


def reworded(*prompts: str) -> Proposal:
    edits = tuple(SetPrompt(group="colour", prompt=f"{prompt} {{}}") for prompt in prompts)
    return Proposal(edits=edits, source="llm")


def after(*records: Decided | Noted) -> State:
    state = advance(begin(started()), Drafted(system=DRAFT, source="test"))
    for record in records:
        state = advance(state, record)
    return state


def asked(*records: Decided | Noted) -> RevisionRequest:
    return revision_request(after(*records), DRAFT, None)


# --- Which classes ----------------------------------------------------------------------------


def test_all_classes_of_a_small_system_are_shown() -> None:
    names = numbered(SMALL)
    assert classes_to_show(system_of(*names), [pair(names[3], names[9])]) == names


def test_of_a_larger_system_those_that_are_confused() -> None:
    names = numbered(SMALL + 1)
    system = system_of(*names)
    pairs = [pair(names[9], names[3]), pair(names[3], names[25])]
    assert classes_to_show(system, pairs) == (names[3], names[9], names[25])
    assert classes_to_show(system) == ()


@pytest.mark.parametrize(
    ("note", "named"),
    [
        ("the horn of absol g differs", ["Absol", "Absol G"]),
        ("Absols are white", []),
        ("Absol的角", ["Absol"]),
        ("[RED], a.b", ["[red]", "a.b"]),
        ("aXb", []),
        ("βeedrill δ!", ["Βeedrill Δ"]),
    ],
)
def test_and_those_that_a_note_names(note: str, named: list[str]) -> None:
    names = ("Absol", "Absol G", "[red]", "a.b", "Βeedrill Δ", *numbered(SMALL))
    assert list(classes_to_show(system_of(*names), notes=["look", note])) == named


@pytest.mark.parametrize(
    ("note", "named"),
    [
        ("皮卡丘3号的尾巴", ["皮卡丘"]),
        ("ルカリオは青い", []),
        ("ｶﾒｯｸｽ と カメックス", ["カメックス"]),
        (unicodedata.normalize("NFD", "피카츄의 꼬리"), ["피카츄"]),
        ("หางของปิกาจูยาว", ["ปิกาจู"]),
        ("לפיקאצ’ו יש זנב", ["פיקאצ'ו"]),
        ("ذيل بيكاتشو، كالبرق", ["بيكاتشو"]),
        ("पिकाचू की पूँछ", ["पिकाचू"]),
        ("ＭＥＷ　ＧＸ is pink", ["Mew GX"]),
        ("超梦GX", ["超梦GX"]),
        ("超梦GXX", []),
        ("see Mew\nGX", ["Mew GX"]),
    ],
)
def test_a_note_names_classes_in_any_language(note: str, named: list[str]) -> None:
    names = (
        "皮卡丘",
        "カメックス",
        "피카츄",
        "ปิกาจู",
        "פיקאצ'ו",
        "بيكاتشو",
        "पिकाचू",
        "Mew GX",
        "超梦GX",
    )
    system = system_of(*names, *numbered(SMALL))
    assert list(classes_to_show(system, notes=["note", note])) == named
    # Two notes are read one by one.
    assert classes_to_show(system, notes=["Mew", "GX"]) == ()


def test_a_note_that_names_everything_does_not_show_everything() -> None:
    names = numbered(100)
    shown = classes_to_show(system_of(*names), [pair(names[98], names[99])], [", ".join(names)])
    assert shown == (*names[:20], *names[98:])


# --- What their images see --------------------------------------------------------------------


def test_what_images_see_where_the_rule_says_something_else() -> None:
    """Absol is a red bird; half of its images see a fish, and go to Aggron; one in 8 is blue."""
    system = system_of("Absol", "Aggron")
    rows = [("Absol", 0, 0)] * 3 + [("Absol", 0, 1)] * 4 + [("Absol", 1, 0), ("Aggron", 0, 1)]
    request = revision_request(after(), system, findings(system, rows))
    (confusion,) = request.confusions
    assert '"Absol" taken for "Aggron" 4 times' in confusion and "new group" not in confusion
    (seen,) = request.seen
    assert (seen.class_name, seen.group, seen.n) == ("Absol", "form", 8)
    assert seen.chosen == (("a bird", 4), ("a fish", 4))


@pytest.mark.parametrize(("agreeing", "told"), [(3, 1), (4, 0)])
def test_less_than_a_quarter_of_the_images_is_not_worth_telling(agreeing: int, told: int) -> None:
    system = system_of("Absol", "Aggron")
    rows = [("Absol", 0, 0)] * agreeing + [("Absol", 0, 1)]
    request = revision_request(after(), system, findings(system, rows))
    assert (len(request.confusions), len(request.seen)) == (1, told)


def test_of_a_class_that_looks_different_in_all_groups_six_are_told() -> None:
    groups = [AttributeGroup(name=f"g{n}", prompt="{}", options=("a", "b")) for n in range(9)]
    absol = {group.name: "a" for group in groups}
    system = make_system("creature", groups, {"Absol": absol, "Aggron": {**absol, "g8": "b"}})
    similar = np.tile(np.array([[0, 0.5]], np.float32), (1, 9))
    found = worlds.findings(system, similar, ["Absol"])
    seen = revision_request(after(), system, found).seen
    assert [entry.group for entry in seen] == ["g8", "g0", "g1", "g2", "g3", "g4"]


def test_the_groups_that_should_tell_the_pair_apart_come_first() -> None:
    """Absol's images see a fish by half, and its colour, which Aggron shares, never."""
    system = system_of("Absol", "Aggron")
    rows = [("Absol", 1, 0)] * 2 + [("Absol", 1, 1)] * 2
    request = revision_request(after(), system, findings(system, rows))
    assert [seen.group for seen in request.seen] == ["form", "colour"]


def test_a_class_that_nobody_confuses_is_not_told_of() -> None:
    """Ho-Oh's images are red where its rule says blue; as the only fish it is found anyway."""
    rules = {"Ho-Oh": ("blue", "a fish"), "Absol": ("red", "a bird"), "Aggron": ("blue", "a bird")}
    system = make_system(
        "creature",
        [COLOUR, FORM],
        {name: {"colour": colour, "form": form} for name, (colour, form) in rules.items()},
    )
    rows = [("Ho-Oh", 0, 1)] * 2 + [("Absol", 1, 0)] * 2 + [("Aggron", 1, 0)] * 2
    request = revision_request(after(), system, findings(system, rows))
    assert [seen.class_name for seen in request.seen] == ["Absol"]


def test_a_pair_that_no_group_tells_apart_needs_a_new_one() -> None:
    identical = system_of("Absol", "Absol G", "Aggron")
    request = revision_request(after(), identical, findings(identical, [("Absol G", 0, 0)] * 2))
    assert "identical" in request.confusions[0]
    assert request.confusions[0].endswith("they need a new group, or other rules")
    # Their rules differ, and the group that differs is wrong on every image.
    differing = system_of("Absol", "Aggron")
    request = revision_request(after(), differing, findings(differing, [("Aggron", 0, 0)] * 2))
    assert request.confusions[0].endswith("they need a new group, or other rules")


def test_a_large_systems_question_is_about_the_confused_pair_alone() -> None:
    names = numbered(300)
    system = system_of(*names)
    request = revision_request(after(), system, findings(system, [(names[299], 0, 0)] * 3))
    assert request.classes == (names[0], names[299])
    assert {seen.class_name for seen in request.seen} == {names[299]}


def found_by(judge: Evaluator, state: State) -> Findings:
    return Measurements(judge, state.started).of(state.steps[-1], None)


def test_held_out_images_are_no_part_of_it() -> None:
    """The same request, whatever the evaluator knows of the other splits."""
    judge = evaluator()
    state = after(Noted(text="wings"))
    request = revision_request(state, DRAFT, found_by(judge, state), ("group form",))
    assert len(request.confusions) == len(request.weak_groups) == 1
    assert request.weak_groups[0].startswith("form: decoration; alone it gets 33%")
    assert (request.locks, request.notes, request.classes) == (("group form",), ("wings",), CLASSES)
    hidden = {**judge.splits, "held_out": judge.splits["final"]}
    other = found_by(replace(judge, splits=hidden), state)
    assert revision_request(state, DRAFT, other, ("group form",)) == request


# --- History ----------------------------------------------------------------------------------


def test_history_tells_what_was_measured_and_why() -> None:
    first, second = asked(
        decided(reworded("a"), "accepted"), decided(reworded("b"), "rejected", "it is red")
    ).past
    assert (first.decision, first.reason) == ("accepted", "")
    assert first.description == 'colour: prompt "a {}"'
    assert (second.decision, second.reason) == ("rejected", "it is red")
    assert second.effect == "+4.0 pp (5 fixed, 1 broken) on review images"


def test_what_was_skipped_is_not_told_and_nothing_twice() -> None:
    past = asked(
        decided(reworded("a"), "rejected", "no"),
        decided(reworded("b"), "rejected"),
        decided(reworded("c"), "skipped"),
        decided(reworded("a"), "accepted", "well, yes"),
    ).past
    assert [(p.description[-5:-3], p.decision) for p in past] == [
        ("b ", "rejected"),
        ("a ", "accepted"),
    ]


def test_history_is_the_latest_thirty() -> None:
    past = asked(*(decided(reworded(f"{n:03}"), "rejected") for n in range(100))).past
    assert [p.description[-7:-4] for p in past] == [f"{n:03}" for n in range(70, 100)]


def test_a_long_proposal_is_told_in_a_few_words() -> None:
    edits = tuple(
        SetRule(class_name=name, group="form", options=("a fish", "a bird")) for name in CLASSES
    )
    (past,) = asked(decided(Proposal(edits=edits * 4, source="person"), "accepted")).past
    assert past.description.count("; ") == 4
    assert past.description.endswith("; and 8 more edits")
