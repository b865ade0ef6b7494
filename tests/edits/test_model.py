"""The edits as JSON, and what makes two proposals the same."""

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from builder.edits.model import DropGroup, Edit, Proposal, SplitOption
from tests.strategies import QUICK, edits, proposals

EDIT: TypeAdapter[Edit] = TypeAdapter(Edit)


@QUICK
@given(edits())
def test_an_edit_comes_back_from_json(edit: Edit) -> None:
    back = EDIT.validate_json(EDIT.dump_json(edit))
    assert back == edit
    assert type(back) is type(edit)


@QUICK
@given(proposals())
def test_a_proposal_comes_back_from_json(proposal: Proposal) -> None:
    assert Proposal.model_validate_json(proposal.model_dump_json()) == proposal


def test_each_kind_is_its_class_in_small_letters() -> None:
    for model in get_args(get_args(Edit)[0]):
        kind = model.model_fields["kind"].default
        assert model.__name__ == "".join(word.title() for word in kind.split("_"))


def test_an_unknown_kind_is_named_with_the_known_ones() -> None:
    with pytest.raises(ValidationError, match=r"'paint'.*does not match.*'set_rule'"):
        EDIT.validate_python({"kind": "paint"})


@pytest.mark.parametrize(
    "fields",
    [
        {"kind": "drop_group"},
        {"kind": "drop_group", "group": "g", "extra": 1},
        {"kind": "rename_group", "group": "g", "to": "  "},
        {"kind": "move_group", "group": "g", "position": -1},
        {"kind": "split_option", "group": "g", "option": "a", "into": ["b"], "classes": {}},
        {"kind": "merge_options", "group": "g", "options": ["a"], "into": "b"},
        {"kind": "add_group", "group": {"name": "g", "prompt": "no slot", "options": ["a", "b"]}},
    ],
)
def test_an_edit_that_could_never_be_made_is_refused(fields: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        EDIT.validate_python(fields)


def test_a_proposal_has_at_least_one_edit() -> None:
    with pytest.raises(ValidationError):
        Proposal(edits=(), source="person")


def test_the_key_tells_edits_apart_and_nothing_else() -> None:
    classes = {"Ant": ("b",), "Bee": ("c",)}
    turned = dict(reversed(classes.items()))
    swapped = {"Ant": ("c",), "Bee": ("b",)}
    one, same, other = (
        SplitOption(group="g", option="a", into=("b", "c"), classes=given)
        for given in (classes, turned, swapped)
    )
    key = Proposal(edits=(one,), source="llm", reason="because").key
    assert key == Proposal(edits=(same,), source="data").key
    assert key != Proposal(edits=(other,), source="llm", reason="because").key


@QUICK
@given(proposals(), st.just(DropGroup(group="g")))
def test_an_edit_more_is_another_proposal(proposal: Proposal, edit: Edit) -> None:
    longer = proposal.model_copy(update={"edits": (*proposal.edits, edit)})
    assert proposal.key != longer.key
