"""`cotbuild optimize --optimizer gepa --evolve prompt` against a model at a loopback address."""

import json
import shutil
from pathlib import Path
from typing import Any

from builder.edits.locks import Lock
from builder.llm.prompts import Prompts
from builder.session.journal import Session, read_state
from builder.session.records import Locked
from builder.session.state import advance
from tests.cli.conftest import CLASSES, GROUPS, RULES, cotbuild, failed, kinds
from tests.openai_server import Answer, Request, chat, failure, openai_server

TEMPLATE = Prompts().template("draft").strip()
BETTER = f"BETTER\n{TEMPLATE}"
WORSE = f"WORSE\n{TEMPLATE}"


class Model:
    """Writes prompts one after the other, and drafts by the first word of the prompt."""

    def __init__(self, *prompts: object) -> None:
        self.prompts = list(prompts)
        self.asked: list[Request] = []
        self._word = ""

    def __call__(self, request: Request) -> Answer:
        self.asked.append(request)
        match self.purposes[-1]:
            case "prompt":
                prompt = self.prompts.pop(0)
                if isinstance(prompt, Answer):
                    return prompt
                return chat({"reason": f"reason {len(self.asked)}", "prompt": prompt})
            case "groups":
                self._word = request.text.split()[0]
                return chat(GROUPS if self._word != "BROKEN" else {"groups": []})
            case _:
                return chat({"rules": [self._rule(name) for name in CLASSES]})

    @property
    def purposes(self) -> list[str]:
        short = {"PromptReply": "prompt", "GroupsReply": "groups", "RulesReply": "rules"}
        return [short[request.schema["title"]] for request in self.asked]

    def _rule(self, name: str) -> dict[str, Any]:
        # "Better" has 8 of 12 review images right, and more can't be; "worse" none, others 4.
        colors = {"BETTER": ("red", "green", "blue"), "WORSE": ("blue", "red", "green")}
        usual = ("green", "red", "blue")
        color = dict(zip(CLASSES, colors.get(self._word, usual), strict=True))[name]
        return {"class_name": name, **RULES[name], "color": color}


def evolve(session: Path, url: str, *more: object) -> list[object]:
    flags = ["--optimizer", "gepa", "--evolve", "prompt", "--llm", "m", "--llm-url", url]
    return ["optimize", session, *flags, *more]


def test_a_better_prompt_is_kept_and_its_draft_becomes_a_version(session: Path) -> None:
    model = Model(WORSE, BETTER, WORSE)
    with openai_server(model) as server:
        result = cotbuild(*evolve(session, server.url, "--max-calls", 9, "--json"))
        assert result.exit_code == 0, result.output
        # A draft with the prompt it begins with, then a prompt and its draft, as the calls allow.
        assert model.purposes == ["groups", "rules", *["prompt", "groups", "rules"] * 2, "prompt"]
        state = read_state(session)
        found = session / "prompts" / "draft.en.md"
        assert found.read_text(encoding="utf-8") == f"{BETTER}\n"
        assert str(found) in result.stderr.replace("\n", "")
        told = {"event": "prompt_found", "path": str(found), "correct": 8, "n": 12}
        assert told in map(json.loads, result.stdout.splitlines())
        said = " ".join(result.stderr.split())
        assert "to begin with: its draft has 4 of 12, 33.3 % of the review images right" in said
        (decided,) = state.decisions
        assert (decided.decision, decided.proposal.source) == ("accepted", "llm")
        assert decided.proposal.reason == "reason 6"
        assert state.system is not None
        assert state.system.rules[CLASSES[0]]["color"] == ("red",)
        # The third was the first one again, which is not drafted with again.
        assert state.optimised[-1].measured == 3
        # The next run goes on from there; what was drafted before is not paid for again.
        model.asked.clear()
        model.prompts = [WORSE]
        again = cotbuild(*evolve(session, server.url, "--max-calls", 3))
        assert again.exit_code == 0, again.output
        assert "which an earlier run found" in " ".join(again.stderr.split())
    assert model.purposes[0] == "prompt"
    assert json.dumps(BETTER, ensure_ascii=False).replace("<", "\\u003c") in model.asked[0].text
    # It is a folder as any other for `new`.
    assert Prompts.open("en", found.parent).template("draft") == f"{BETTER}\n"


def test_the_model_is_told_what_prompts_led_to_and_which_were_no_use(session: Path) -> None:
    lost = "BETTER, but only {{classes}} and {{colour}}"
    prose = chat("I would rather not say")
    model = Model(WORSE, lost, f"BROKEN {TEMPLATE}", TEMPLATE, *[prose] * 9)
    with openai_server(model) as server:
        result = cotbuild(*evolve(session, server.url, "--max-calls", 20))
    assert result.exit_code == 0, result.output
    second, third, fourth, last = [
        request.text for request, purpose in zip(model.asked, model.purposes, strict=True)
        if purpose == "prompt"
    ][1:5]  # fmt: skip
    assert _part(second, "unusable") == "[]"
    assert "the prompt to begin with -> 4 of 12" in _part(second, "earlier")
    assert "reason 3 -> 0 of 12, 0.0 % of review images right" in _part(second, "earlier")
    assert "nothing fills {{colour}}" in _part(third, "unusable")
    assert "gave no group" in _part(fourth, "unusable")
    assert "changes nothing" in _part(last, "unusable")
    assert CLASSES[0] in _part(second, "confusions")
    assert kinds(session)[-1] == "optimised"
    assert not (session / "prompts").exists()


def _part(text: str, tag: str) -> str:
    return text.partition(f"<{tag}>\n")[2].partition(f"\n</{tag}>")[0]


def test_the_same_seed_and_replies_give_the_same_run(session: Path) -> None:
    folders = [session.with_name(name) for name in ("one", "same", "replayed")]
    for folder in folders:
        shutil.copytree(session, folder)
    for folder in folders[:2]:
        with openai_server(Model(WORSE, BETTER, WORSE, TEMPLATE)) as server:
            assert cotbuild(*evolve(folder, server.url, "--max-calls", 10)).exit_code == 0
    replay = ["--llm", f"replay:{folders[0] / 'llm.jsonl'}"]
    command = ["optimize", folders[2], "--optimizer", "gepa", "--evolve", "prompt", *replay]
    assert cotbuild(*command).exit_code == 0
    one, *others = (read_state(folder) for folder in folders)
    assert len(one.decisions) == 1
    for state in others:
        assert state.decisions == one.decisions
        assert state.versions == one.versions


def test_an_endpoint_that_fails_in_a_draft_ends_the_run_and_keeps_what_was_found(
    session: Path,
) -> None:
    model = Model(BETTER, failure(401, "the account is empty"))
    with openai_server(model) as server:
        said = failed(cotbuild(*evolve(session, server.url)), 4, "account is empty")
    assert "--optimizer gepa --evolve prompt --llm m" in said
    assert len(read_state(session).versions) == 2
    assert (session / "prompts" / "draft.en.md").is_file()


def test_a_prompt_to_begin_with_that_leads_to_no_system_is_told(
    session: Path, tmp_path: Path
) -> None:
    own = tmp_path / "own"
    own.mkdir()
    (own / "draft.en.md").write_text(f"BROKEN {TEMPLATE}", encoding="utf-8")
    before = kinds(session)
    with openai_server(Model()) as server:
        result = cotbuild(*evolve(session, server.url, "--prompts", own))
    failed(result, 2, "the prompt to begin with leads to no system", "gave no group")
    assert kinds(session) == before


def test_locks_are_no_matter_of_prompts(session: Path) -> None:
    lock = Locked(lock=Lock(group="color", class_name=CLASSES[2]))
    with Session.open(session) as opened:
        opened.append(lock, advance(opened.state, lock))
    before = kinds(session)
    with openai_server(Model()) as server:
        said = failed(cotbuild(*evolve(session, server.url)), 2, "locked", "--evolve system")
        assert "images" not in said
        assert server.requests == []
    assert kinds(session) == before
