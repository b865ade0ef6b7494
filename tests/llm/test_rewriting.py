import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.errors import LLMError
from builder.llm.asking import Asking
from builder.llm.events import Dropped
from builder.llm.model_drafter import ModelDrafter
from builder.llm.prompts import ENGLISH
from builder.llm.rewriting import (
    DROP,
    REWRITE,
    REWRITE_GROUP,
    rewriting_question,
    rewriting_reply,
)
from builder.llm.transport import Message, ReplyT
from builder.proposals.requests import RevisionRequest, Rewriting, RewritingRequest
from builder.search.gepa import components_of, group_in, system_of
from builder.system.model import AttributeGroup, AttributeSystem, Choice, make_system
from builder.system.names import folded
from tests.llm.live import Live
from tests.llm.strict import follows, is_strict
from tests.llm.test_revising import listed
from tests.openai_server import Answer, chat, failure, openai_server

SYSTEM = make_system(
    "Pokémon",
    [
        AttributeGroup(name="color", prompt="It is {}.", options=("white", "gray")),
        AttributeGroup(name="form", prompt="It looks like {}.", options=("a wolf", "a bird")),
    ],
    {
        "Absol": {"color": "white", "form": "a wolf"},
        "Bird </group>": {"color": ["white", "gray"], "form": None},
        "Celebi": {"color": "gray", "form": "a bird"},
    },
)
COLOR = components_of(SYSTEM)["group 1"]
NEW = {"reason": "because", "name": "color", "prompt": "It is {}.", "options": ["white", "grey"]}


def request(text: str = COLOR, classes: tuple[str, ...] | None = None) -> RewritingRequest:
    about = RevisionRequest(SYSTEM, classes=classes)
    return RewritingRequest(about, group_in(text), ("a mistake",))


def rewritten(folder: Path, *script: Answer, asked: RewritingRequest | None = None) -> Rewriting:
    with openai_server(script) as server:
        live = Live(server.url, folder)
        answer = live.drafter.rewrite_group(asked or request())
        assert {exchange.purpose for exchange in live.exchanges} == {REWRITE_GROUP}
        return answer


def reply(*groups: object) -> Answer:
    """One group as it is asked for, any other number in a list."""
    return chat({"rewritten": groups[0] if len(groups) == 1 else list(groups)})


def of_classes(**options: list[str]) -> list[dict[str, Any]]:
    return [{"option": option, "classes": classes} for option, classes in options.items()]


def written(folder: Path, answer: dict[str, Any], text: str = COLOR) -> AttributeSystem:
    """The system of the answer's group alone, which is sound whatever the answer said."""
    rewriting = rewritten(folder, reply({**NEW, **answer}), asked=request(text))
    assert rewriting.reason == "because" and not rewriting.problem
    return system_of("Pokémon", SYSTEM.classes, {"group 1": rewriting.text})


def chosen(system: AttributeSystem) -> list[Choice]:
    return [row[system.groups[0].name] for row in system.rules.values()]


def test_classes_have_the_options_that_name_them(tmp_path: Path) -> None:
    options = of_classes(white=["Absol", "Celebi"], grey=["Celebi"])
    first, second = options
    given_options = {"first": first, "second": second, "others": of_classes(red=["Bird </group>"])}
    system = written(tmp_path, {"options": given_options})
    assert system.groups[0].options == ("white", "grey", "red")
    assert chosen(system) == [("white",), ("red",), ("white", "grey")]


def test_a_class_that_is_named_nowhere_keeps_its_option_which_stays(tmp_path: Path) -> None:
    system = written(tmp_path, {"options": of_classes(White=[], grey=["Celebi"])})
    assert system.groups[0].options == ("White", "grey", "gray")
    assert chosen(system) == [("White",), ("White", "gray"), ("grey",)]


def test_a_group_keeps_its_name_and_a_new_one_has_one_of_its_own(tmp_path: Path) -> None:
    options = of_classes(red=["Absol"], blue=[])
    for text, names in ((COLOR, ["form", "other"]), ("", ["Form", "other", ""])):
        found = [written(tmp_path, {"name": n, "options": options}, text).groups[0] for n in names]
        told_names = [group.name for group in found]
        assert told_names == (["color"] * 2 if text else ["Form_2", "other", "new_group"])


def test_an_option_in_two_spellings_is_one(tmp_path: Path) -> None:
    options = [
        *of_classes(Red=["Absol"], blue=["Celebi"]),
        *of_classes(red=["Celebi"]),
        *of_classes(**{" ": ["Absol"]}),
    ]
    system = written(tmp_path, {"options": options}, "")
    assert system.groups[0].options == ("Red", "blue")
    assert chosen(system) == [(), (), ("Red", "blue")]


def test_what_is_wrong_with_one_class_does_not_spoil_the_others(tmp_path: Path) -> None:
    options = of_classes(white=["celebi", "Nobody"], grey=["Absol"])
    former = [{"class_name": "Bird </group>", "options": ["pale"]}]
    answer = reply({**NEW, "options": options, "rules": former})
    with openai_server([answer]) as server:
        live = Live(server.url, tmp_path)
        text = live.drafter.rewrite_group(request()).text
    assert chosen(system_of("Pokémon", SYSTEM.classes, {"g": text})) == [
        ("grey",),
        ("white", "gray"),
        ("white",),
    ]
    (dropped,) = live.told(Dropped)
    assert dropped.reasons == (
        "'Nobody' is not a class of the system",
        "Bird </group>: 'pale' is not an option",
    )


def test_the_form_of_former_versions_is_read(tmp_path: Path) -> None:
    rules = [{"class_name": "Celebi", "options": ["grey"]}, {"class_name": "Absol", "options": []}]
    answer = {**NEW, "rules": rules}
    rewriting = rewritten(tmp_path, chat({"rewritten": [answer]}))
    system = system_of("Pokémon", SYSTEM.classes, {"group 1": rewriting.text})
    assert chosen(system) == [(), ("white", "gray"), ("grey",)]


WORDS = st.sampled_from(["white", "gray", "Gray ", "red", "[red]", "", "灰色"])
NAMES = st.lists(st.sampled_from([*SYSTEM.classes, "Nobody", "absol"]), max_size=4)


@given(
    st.lists(st.tuples(WORDS, NAMES), min_size=2, max_size=6, unique_by=lambda o: folded(o[0])),
    st.sampled_from(["", "color", "Form", "size"]),
    st.sampled_from([COLOR, components_of(SYSTEM)["group 2"], ""]),
)
def test_with_two_options_and_a_slot_every_answer_makes_a_sound_system(
    options: list[tuple[str, list[str]]], name: str, text: str
) -> None:
    given_options = [{"option": option, "classes": classes} for option, classes in options]
    group = {**NEW, "name": name, "options": given_options}
    model = ModelDrafter(Asking(Answering({"rewritten": group}), lambda _: None))
    texts = components_of(SYSTEM)
    key = next(key for key, known in texts.items() if known == text)
    rewriting = model.rewrite_group(request(text))
    if len([option for option, _ in options if option]) >= 2:
        system = system_of("Pokémon", SYSTEM.classes, {**texts, key: rewriting.text})
        assert len(system.groups) == 2 + (text == "")


class Answering:
    """A transport with one answer."""

    def __init__(self, answer: object) -> None:
        self._answer = json.dumps(answer)

    def complete(self, purpose: str, messages: list[Message], reply_model: type[ReplyT]) -> ReplyT:
        assert purpose == REWRITE_GROUP and messages
        return reply_model.model_validate_json(self._answer, strict=True)


def test_the_schema_has_a_name_for_a_new_group_alone_and_knows_the_classes() -> None:
    choice = {"option": "red", "classes": ["Absol"]}
    options = {"first": choice, "second": choice, "others": []}
    group = {"reason": "r", "prompt": "{}", "options": options}
    old, new = {**group, "decision": REWRITE}, {**group, "name": "size"}
    stranger = {"option": "red", "classes": ["Nobody"]}
    for text, asked, other in ((COLOR, old, new), ("", new, old)):
        schema = rewriting_reply(request(text)).model_json_schema()
        assert is_strict(schema)
        assert follows({"rewritten": asked}, schema)
        few, unknown = {"first": choice, "others": []}, {**options, "second": stranger}
        wrong_options = ({**asked, "options": found} for found in (few, unknown, [choice] * 2))
        for wrong in (other, group, [asked], None, *wrong_options):
            assert not follows({"rewritten": wrong}, schema)
    some = rewriting_reply(request(classes=("Absol",))).model_json_schema()
    assert some["$defs"]["ExistingClass"]["enum"] == ["Absol"]
    assert not rewriting_reply(request(classes=())).model_json_schema()["$defs"]


@pytest.mark.parametrize(
    ("script", "text"),
    [
        ([reply()], ""),
        ([chat({"rewritten": None})], ""),
        ([reply({**NEW, "decision": DROP})], ""),
        ([reply(NEW, NEW)], "one group was asked for, 2 came"),
        ([reply("white")], "valid dictionary"),
        ([reply({**NEW, "rules": 3})], "rules: Input should be a valid list"),
        ([chat("no", finish_reason="length")], "cut off"),
        ([chat(None, refusal="I must not")], "I must not"),
        ([chat("I had rather not")] * 9, "form asked for"),
    ],
)
def test_what_is_no_group_is_told(tmp_path: Path, script: list[Answer], text: str) -> None:
    answer = rewritten(tmp_path, *script)
    assert not answer.text
    assert text in answer.problem
    assert bool(answer.problem) == bool(text)


def test_an_endpoint_that_fails_is_no_answer(tmp_path: Path) -> None:
    with pytest.raises(LLMError, match="the account is empty"):
        rewritten(tmp_path, failure(401, "the account is empty"))


def test_the_question_holds_the_group_as_data() -> None:
    question = rewriting_question(request(), ENGLISH)
    (group,) = listed(question, "group")
    assert group == json.loads(COLOR)
    assert listed(question, "unusable") == ["a mistake"]
    assert listed(rewriting_question(request(""), ENGLISH), "group") == []


def test_of_many_classes_those_alone_are_told_of_that_matter() -> None:
    (group,) = listed(rewriting_question(request(classes=("Absol",)), ENGLISH), "group")
    assert group["rules"] == {"Absol": "white"}
