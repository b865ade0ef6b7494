"""Proposals from a person's file: read back, or refused with every problem and its place."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.edits import DropGroup, Proposal
from builder.errors import InputError
from builder.proposal_json import KINDS, read_proposals
from tests.strategies import QUICK, proposals

EDIT = {"kind": "drop_group", "group": "tail"}


def refusal(text: str) -> str:
    with pytest.raises(InputError) as caught:
        read_proposals(text)
    assert caught.value.hint
    return caught.value.message


@QUICK
@given(st.lists(proposals(), max_size=3), st.booleans())
def test_proposals_come_back(written: list[Proposal], enveloped: bool) -> None:
    items = [proposal.model_dump(mode="json") for proposal in written]
    text = json.dumps({"proposals": items} if enveloped else items)
    assert read_proposals(text) == tuple(written)


def test_a_proposal_of_nobody_is_a_persons() -> None:
    expected = Proposal(edits=(DropGroup(group="tail"),), source="person")
    assert read_proposals(json.dumps([{"edits": [EDIT]}])) == (expected,)


def test_a_byte_order_mark_is_no_problem() -> None:
    assert len(read_proposals("\ufeff" + json.dumps([{"edits": [EDIT]}]))) == 1


def test_every_problem_is_listed_with_its_path() -> None:
    bad = [
        {"edits": [{"kind": "drop_grup", "group": "a"}, {"kind": "drop_group"}, EDIT, {}]},
        {"edits": [], "resaon": "x"},
        {"edits": [{"kind": "paint"}], "source": "somebody"},
        5,
        {"edits": [{"kind": "split_option", "group": "g", "option": "a", "into": ["b"],
                    "classes": {"Absol G": ["b", 1]}}]},
    ]  # fmt: skip
    lines = refusal(json.dumps({"proposals": bad})).splitlines()
    assert lines[0] == "the proposals cannot be read, 10 problems:"
    assert [line.strip().split(": ")[0] for line in lines[1:]] == [
        "proposals[0].edits[0]",
        "proposals[0].edits[1].group",
        "proposals[0].edits[3]",
        "proposals[1].edits",
        "proposals[1].resaon",
        "proposals[2].edits[0]",
        "proposals[2].source",
        "proposals[3]",
        "proposals[4].edits[0].into",
        'proposals[4].edits[0].classes["Absol G"][1]',
    ]


def test_an_unknown_kind_comes_with_the_nearest_or_with_all() -> None:
    near = refusal(json.dumps([{"edits": [{"kind": "set_rul"}]}]))
    assert "[0].edits[0]: there is no kind of edit 'set_rul' (did you mean 'set_rule'?)" in near
    far = refusal(json.dumps([{"edits": [{"kind": "zzz"}]}]))
    assert all(kind in far for kind in KINDS)
    missing = refusal(json.dumps([{"edits": [{"group": "tail"}]}]))
    assert "its kind is missing (known: set_domain, " in missing


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "empty"),
        ("{", "not JSON"),
        ("[" * 100_000, "nested too deeply"),
        ('{"edits": []}', "should be a list of proposals"),
        ('"text"', "should be a list of proposals"),
        ("null", "should be a list of proposals"),
        ('{"proposals": {}}', "proposals: should be a list"),
        ('{"proposals": [], "version": 1}', "version: unknown key"),
        ('["\\ud800"]', "surrogate"),
        ('[{"edits": [{"kind": "drop_group", "group": "a", "group": "b"}]}]', "more than once"),
        ('[{"edits": [{"kind": "move_group", "group": "a", "position": NaN}]}]', "position"),
        ('[{"edits": [{"kind": ["a"]}]}]', "kind"),
    ],
)
def test_what_is_no_list_of_proposals_is_refused(text: str, says: str) -> None:
    assert says in refusal(text)


json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=5) | st.sampled_from(KINDS),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["proposals", "edits", "kind", "group", "rules", "into", "x"]), inner
        )
    ),
    max_leaves=12,
)


@QUICK
@given(json_values)
def test_no_json_ends_in_a_traceback(value: object) -> None:
    try:
        read_proposals(json.dumps(value))
    except InputError as error:
        assert error.message
