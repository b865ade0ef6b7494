"""Proposals from a person's file: read back, or refused with every problem and its place."""

import json
from typing import Any, get_args

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema

from builder.edits.file import KINDS, read_proposals
from builder.edits.model import DropGroup, Edit, Proposal
from builder.errors import InputError
from builder.resources import resource_folder
from tests.strategies import QUICK, proposals

PUBLISHED = "cotbuild-proposals.schema.json"
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


class WithoutTitles(GenerateJsonSchema):
    """A field's title would only say its name again."""

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002
        return False


def proposals_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of what `read_proposals` takes.

    It can't say that a name is more than white space, that no key is written twice, or whether
    the edits fit a system.
    """
    listed = TypeAdapter(tuple[Proposal, ...]).json_schema(schema_generator=WithoutTitles)
    definitions = listed.pop("$defs")
    proposal = definitions["Proposal"]
    proposal["required"].remove("source")
    proposal["properties"]["source"]["default"] = "person"
    for model in get_args(get_args(Edit)[0]):
        # A default for pydantic's own use; in a file the kind tells the edits apart.
        definitions[model.__name__].setdefault("required", []).insert(0, "kind")
        del definitions[model.__name__]["properties"]["kind"]["default"]
    envelope = {
        "type": "object",
        "required": ["proposals"],
        "additionalProperties": False,
        "properties": {"proposals": listed},
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "cotbuild proposals, as resume --edits reads them",
        "anyOf": [listed, envelope],
        "$defs": definitions,
    }


def published() -> object:
    return json.loads((resource_folder("systems") / PUBLISHED).read_text("utf-8"))


def test_the_published_schema_is_that_of_the_models() -> None:
    # To publish a change: write json.dumps(proposals_schema(), indent=1) to that file.
    assert published() == proposals_schema()


@QUICK
@given(st.lists(proposals(), max_size=3), st.booleans())
def test_what_can_be_read_follows_the_schema(written: list[Proposal], enveloped: bool) -> None:
    items = [proposal.model_dump(mode="json", exclude_defaults=True) for proposal in written]
    for item, proposal in zip(items, written, strict=True):
        for edit, model in zip(item["edits"], proposal.edits, strict=True):
            edit["kind"] = model.kind
    value = {"proposals": items} if enveloped else items
    read_proposals(json.dumps(value))
    jsonschema.Draft202012Validator(published()).validate(value)


@pytest.mark.parametrize(
    "value",
    [
        {"edits": [EDIT]},
        [{"edits": []}],
        [{"edits": [{"group": "tail"}]}],
        [{"edits": [{**EDIT, "kind": "paint"}]}],
        [{"edits": [{**EDIT, "to": "x"}]}],
        [{"edits": [{"kind": "move_group", "group": "tail", "position": -1}]}],
        [{"edits": [EDIT], "source": "somebody"}],
        {"proposals": [{"edits": [EDIT]}], "version": 1},
    ],
)
def test_what_the_reader_refuses_the_schema_refuses(value: object) -> None:
    refusal(json.dumps(value))
    assert not jsonschema.Draft202012Validator(published()).is_valid(value)


def test_each_kind_of_edit_is_in_the_schema() -> None:
    kinds = {
        model["properties"]["kind"]["const"]
        for model in proposals_schema()["$defs"].values()
        if "kind" in model["properties"]
    }
    assert kinds == set(KINDS)
