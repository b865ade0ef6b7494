"""Sources of proposals: one that is new is only handed to the loop."""

from dataclasses import dataclass, field
from typing import Literal

import pytest

from builder.edits.model import Proposal, SetRule
from builder.errors import EncoderError, LLMError
from builder.review.findings import Findings
from builder.review.loop import Event, Recorded, StepFailed, Working, run
from builder.review.proposers import FromData, FromModel, Proposer, proposers_of
from builder.review.view import Action, Ask, Quit, View
from builder.session.records import Drafted, Proposed
from builder.session.state import State, fold
from tests.review.test_loop import ScriptedDrafter
from tests.worlds import CLASSES, DRAFT, evaluator, started

IDEA = Proposal(
    edits=(SetRule(class_name=CLASSES[2], group="form", options=("a fish",)),), source="llm"
)


@dataclass
class Source:
    """A source with a fixed answer, or what it raises."""

    step: str
    answer: tuple[Proposal, ...] | BaseException = ()
    asks: bool = True
    cause: bool = True
    calls: list[State] = field(default_factory=list)

    def has_cause(self, state: State, findings: Findings | None) -> bool:  # noqa: ARG002
        return self.cause

    def propose(self, state: State, findings: Findings | None) -> tuple[Proposal, ...]:
        assert findings is not None
        self.calls.append(state)
        if isinstance(self.answer, BaseException):
            raise self.answer
        return self.answer


@dataclass
class Person:
    actions: list[Action]
    present: bool = True
    name: Literal["person"] = "person"
    views: list[View] = field(default_factory=list)

    def next_action(self, view: View) -> Action:
        self.views.append(view)
        return self.actions.pop(0)


def played(*sources: Proposer, person: Person | None = None) -> list[Event]:
    return list(
        run(
            fold([started(), Drafted(system=DRAFT, source="test")]),
            evaluator=evaluator(),
            drafter=None,
            reviewer=person or Person([Quit()]),
            export_to="x",
            proposers=sources,
        )
    )


def proposed(events: list[Event]) -> list[Proposed]:
    records = (event.record for event in events if isinstance(event, Recorded))
    return [record for record in records if isinstance(record, Proposed)]


def steps(events: list[Event]) -> list[str]:
    return [event.what for event in events if isinstance(event, Working)][1:]


def test_every_source_has_its_step_and_the_same_idea_is_kept_once() -> None:
    first, second = Source("looking", (IDEA,)), Source("reading", (IDEA,), asks=False)
    nothing = Source("sleeping", (IDEA,), cause=False)
    events = played(first, nothing, second)
    assert steps(events) == ["looking", "reading"]
    (record,) = proposed(events)
    assert (record.asked, record.proposals) == (True, (IDEA,))


def test_who_is_asked_may_fail_and_the_next_source_goes_on() -> None:
    failing, fine = Source("looking", LLMError("nobody is there")), Source("reading", (IDEA,))
    events = played(failing, fine)
    assert [e.what for e in events if isinstance(e, StepFailed)] == ["looking"]
    assert proposed(events)[0].proposals == (IDEA,)
    with pytest.raises(LLMError):
        played(failing, fine, person=Person([Quit()], present=False))
    with pytest.raises(EncoderError):
        played(Source("measuring", EncoderError("broken"), asks=False))


def test_ctrl_c_in_one_source_leaves_out_those_after_it() -> None:
    stopped, after = Source("looking", KeyboardInterrupt()), Source("reading", (IDEA,))
    person = Person([Quit()])
    events = played(stopped, after, person=person)
    assert [e.error for e in events if isinstance(e, StepFailed)] == [None]
    assert after.calls == []
    assert not proposed(events)[0].asked
    assert person.views[0].stopped


def test_a_person_can_ask_again_where_a_source_asks_somebody() -> None:
    person = Person([Ask(), Quit()])
    source = Source("looking", (IDEA,))
    played(source, person=person)
    assert [view.can_ask for view in person.views] == [True, True]
    assert len(source.calls) == 2
    silent = Person([Quit()])
    played(Source("counting", asks=False), person=silent)
    assert not silent.views[0].can_ask


def test_the_data_come_before_the_model() -> None:
    assert [type(source) for source in proposers_of(None)] == [FromData]
    assert [type(source) for source in proposers_of(ScriptedDrafter())] == [FromData, FromModel]
