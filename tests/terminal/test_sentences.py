"""Edits, reasons and locks in words: names from right to left, and odd ones."""

from hypothesis import given
from hypothesis import strategies as st

from builder.edits.describe import describe_proposal
from builder.edits.locks import Lock, lock_words
from builder.edits.model import DropGroup, Proposal, RenameOption, SetRule
from builder.system.model import AttributeGroup, make_system
from builder.terminal.sentences import lock_told, proposal_told, reason_told
from builder.terminal.text import MARK
from tests.strategies import QUICK, systems
from tests.terminal.bidi import turned

FOX = "שועל"


@QUICK
@given(st.data())
def test_the_words_are_the_same_but_for_the_marks(data: st.DataObject) -> None:
    system = data.draw(systems())
    group = data.draw(st.sampled_from(system.groups))
    name = data.draw(st.sampled_from(system.classes))
    edits = (
        SetRule(class_name=name, group=group.name, options=group.options[:1]),
        RenameOption(group=group.name, option=group.options[1], to=f"{FOX} 7"),
        DropGroup(group=group.name),
    )
    proposal = Proposal(edits=edits, source="data", reason=f"3 see {group.options[0]} (2 %)")
    lock = Lock(class_name=name, group=group.name)
    told = proposal_told(proposal, system), lock_told(lock), reason_told(proposal, system)
    known = describe_proposal(proposal, system), lock_words(lock), proposal.reason
    for ours, plain in zip(told, known, strict=True):
        assert ours.replace(MARK, "") == plain.replace(MARK, "")


def test_names_that_differ_by_a_mark_alone_stay_two() -> None:
    options = (FOX, f"{FOX}{MARK}")
    group = AttributeGroup(name="form", prompt="{}", options=options)
    system = make_system("test", [group], {name: {"form": name} for name in options})
    edits = (SetRule(class_name=FOX, group="form", options=options[1:]),)
    told = proposal_told(Proposal(edits=edits, source="person"), system)
    assert told == f"{FOX}{MARK} · form: {FOX}{MARK} -> {FOX}{MARK}{MARK}"


def test_of_names_that_begin_alike_the_longer_is_kept_whole() -> None:
    options = (FOX, f"{FOX} 2", "a cat")
    group = AttributeGroup(name="form", prompt="{}", options=options)
    system = make_system("test", [group], {"a": {}, "b": {}})
    reason = f'3 of 8 see "{FOX} 2" (5 %), 1 "{FOX}" (4 %)'
    proposal = Proposal(edits=(DropGroup(group="form"),), source="data", reason=reason)
    assert turned(reason_told(proposal, system)) == [f"{FOX} 2", FOX]
    # A person's or a model's own sentence is theirs.
    own = proposal.model_copy(update={"source": "llm"})
    assert reason_told(own, system) == reason
