"""A thousand classes against a stub that answers in 200 ms. Run with `pytest tests/bench -s`."""

import json
import time
from pathlib import Path

from builder.llm.asking import Asking
from builder.llm.client import LiveTransport
from builder.llm.cost import tokens_of
from builder.llm.drafter import ModelDrafter
from builder.llm.estimating import estimate_draft
from builder.llm.events import LLMEvent
from builder.llm.parallel import ParallelCalls
from builder.llm.settings import ModelSettings
from builder.proposals.requests import DraftRequest
from tests.openai_server import Answer, Request, asked_classes, chat, openai_server

CLASSES = tuple((f"class number {number}", "") for number in range(1000))
IN_FLIGHT = 8


GROUPS = [
    {
        "name": f"attribute_{number}",
        "prompt": "The creature in this picture is mainly {}.",
        "options": [f"typical option {option}" for option in range(10)],
    }
    for number in range(5)
]


def respond(request: Request) -> Answer:
    """Five groups of ten options, and rules that differ for any two classes."""
    if request.schema["title"] == "GroupsReply":
        return chat({"groups": GROUPS}, delay=0.2)
    rules = {
        key: {
            f"attribute_{place}": f"typical option {digit}"
            for place, digit in enumerate(f"{int(name.split()[-1]):05}")
        }
        for key, name in asked_classes(request).items()
    }
    return chat({"rules": rules}, delay=0.2)


def unheard(event: LLMEvent) -> None:
    """What is told does not matter here."""


def seconds(folder: Path, parallel: int) -> tuple[float, float]:
    """Wall time of a draft, and estimated tokens per class that went out and came in."""
    folder.mkdir()
    with openai_server(respond) as server:
        transport = LiveTransport(
            ModelSettings("stub", server.url, transcript=folder / "llm.jsonl"), unheard
        )
        drafter = ModelDrafter(
            Asking(transport, unheard, parallel=ParallelCalls(parallel, transport.stop))
        )
        begun = time.perf_counter()
        drafter.draft(DraftRequest("thing", CLASSES))
        took = time.perf_counter() - begun
    lines = [json.loads(line) for line in (folder / "llm.jsonl").read_text().splitlines()]
    tokens = sum(tokens_of(json.dumps([e["messages"], e["schema"], e["reply"]])) for e in lines)
    return took, tokens / len(CLASSES)


def test_eight_in_flight_against_one_by_one(tmp_path: Path) -> None:
    alone, tokens = seconds(tmp_path / "alone", 1)
    together, _ = seconds(tmp_path / "together", IN_FLIGHT)
    estimate = estimate_draft(DraftRequest("thing", CLASSES))
    print(
        f"\n1,000 classes: {alone:.1f} s one by one, {together:.1f} s with {IN_FLIGHT} in flight "
        f"({alone / together:.1f} times as fast); {tokens:.0f} tokens per class, "
        f"{estimate.tokens / len(CLASSES):.0f} in the estimate"
    )
    assert together < alone
