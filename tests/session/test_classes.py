"""Classes come and go while a session runs: what is measured, compared, best and confirmed."""

from collections.abc import Iterable

import pytest

from builder.edits.model import AddClass, DropClass, Edit, Proposal, RenameClass
from builder.review.findings import Measurements
from builder.review.loop import measure
from builder.scoring.evaluator import Evaluator
from builder.session.classes import added_classes, described, incomparable
from builder.session.confirmation import trials
from builder.session.records import Decided, Drafted, Record
from builder.session.state import State, advance, begin
from builder.session.versions import held_out_change
from tests.worlds import CLASSES, GOOD, TRUTH, evaluator, started

ABSOL, BEEDRILL, CELEBI = CLASSES
RETIRE = DropClass(class_name=CELEBI)


def after(state: State, records: Iterable[Record]) -> State:
    for record in records:
        state = advance(state, record)
    return state


def took(*edits: Edit) -> Decided:
    proposal = Proposal(edits=edits, source="person")
    return Decided(proposal=proposal, decision="accepted", by="person")


def measured(state: State, judge: Evaluator) -> State:
    step = state.steps[-1]
    record = measure(step, judge.for_step(step, state.rescored), len(state.versions) + 1)
    return advance(state, record)


def begun(*classes: str) -> State:
    """A session whose first system knows these classes, which have images."""
    names = set(classes)
    system = GOOD
    for name in GOOD.classes:
        if name not in names:
            system = system.model_copy(
                update={
                    "classes": tuple(each for each in system.classes if each != name),
                    "rules": {each: rules for each, rules in system.rules.items() if each != name},
                }
            )
    infos = [{"name": name, "description": f"a {name}"} for name in classes]
    return advance(begin(started(classes=infos)), Drafted(system=system, source="test"))


def test_a_retired_class_takes_its_images_with_it() -> None:
    judge = evaluator(per_class=6)
    state = measured(begun(*CLASSES), judge)
    state = measured(advance(state, took(RETIRE)), judge)
    first, second = state.versions
    assert (len(first.held_out), len(second.held_out)) == (18, 12)
    assert held_out_change(first, second) is None
    assert incomparable(first, second) == f"other classes (without {CELEBI})"
    assert incomparable(second, first) == f"other classes (with {CELEBI})"
    # The first version has as many right or more; but it has another task.
    assert (state.best, state.held_out_looks) == (2, 2)
    assert trials(state.versions) == ()


def test_undoing_it_makes_the_old_versions_the_measure_again() -> None:
    judge = evaluator(per_class=6)
    state = measured(begun(*CLASSES), judge)
    state = measured(advance(state, took(RETIRE)), judge)
    back = AddClass(class_name=CELEBI, rules={g: (o,) for g, o in TRUTH[CELEBI].items()})
    state = measured(advance(state, took(back)), judge)
    first, _, third = state.versions
    assert first.images == third.images
    change = held_out_change(first, third)
    assert change is not None
    assert (change.fixed, change.broken, state.best) == (0, 0, 1)
    (trial,) = trials(state.versions)
    assert (trial.version, trial.against) == (3, 1)


def test_a_class_that_is_added_brings_its_images() -> None:
    """They are at hand from the start here; what was measured without them stays as it is."""
    judge = evaluator(per_class=6)
    state = measured(begun(ABSOL, BEEDRILL), judge)
    edit = AddClass(class_name=CELEBI, rules={g: (o,) for g, o in TRUTH[CELEBI].items()})
    state = measured(advance(state, took(edit)), judge)
    first, second = state.versions
    assert (first.held_out, second.held_out) == ("1" * 12, "1" * 18)
    assert judge.for_step(first.steps[-1], None).images == first.images
    assert added_classes(state) == (CELEBI,)
    assert added_classes(measured(begun(*CLASSES), judge)) == ()
    described_now = described(state.started, judge.splits["held_out"].labels, state.steps[-1])
    assert described_now == {ABSOL: f"a {ABSOL}", BEEDRILL: f"a {BEEDRILL}", CELEBI: ""}


def test_the_names_of_the_table_are_those_of_the_images_that_are_scored() -> None:
    judge = evaluator(per_class=6)
    state = begun(*CLASSES)
    measurements = Measurements(judge, state.started)
    counts = []
    for edits in ((), (RETIRE,), (RenameClass(class_name=ABSOL, to="Wolf"),)):
        state = advance(state, took(*edits)) if edits else state
        findings = measurements.of(state.steps[-1], None)
        counts.append({scores.n for scores in findings.baselines.values()})
        assert findings.images == measured(state, judge).versions[-1].images
    assert counts == [{18}, {12}, {12}]


def test_a_rename_changes_nothing_that_is_compared() -> None:
    judge = evaluator(per_class=6)
    state = measured(begun(*CLASSES), judge)
    rename = RenameClass(class_name=CELEBI, to="[bold]Celebi")
    state = measured(advance(state, took(rename)), judge)
    first, second = state.versions
    assert first.images == second.images
    assert incomparable(first, second) == "other images"


def test_a_proposal_to_drop_a_class_is_charged_with_its_images() -> None:
    """Or an automatic session would drop whatever is hard."""
    state = begun(*CLASSES)
    findings = Measurements(evaluator(per_class=6), state.started).of(state.steps[-1], None)
    effect = findings.effect(Proposal(edits=(RETIRE,), source="llm"))
    assert (effect.fixed, effect.broken) == (0, 6)


@pytest.mark.parametrize("edits", [(), (RETIRE,)])
def test_a_class_without_images_changes_no_split(edits: tuple[Edit, ...]) -> None:
    judge = evaluator(per_class=6)
    state = after(begun(*CLASSES), [took(*edits)] if edits else [])
    added = advance(state, took(AddClass(class_name="Nobody", rules={})))
    before, now = (judge.for_step(each.steps[-1], None) for each in (state, added))
    assert before.images == now.images
