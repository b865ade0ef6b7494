"""A live drafter against a test server, and short ways to say what the server answers."""

from pathlib import Path
from typing import Any

from builder.llm.asking import Asking
from builder.llm.client import LiveTransport
from builder.llm.drafter import ModelDrafter
from builder.llm.events import LLMEvent
from builder.llm.schemas import GroupsReply
from builder.llm.settings import ModelSettings
from builder.llm.silence import Silence
from builder.llm.transcript import Exchange, read
from builder.llm.transport import ask
from builder.proposals.requests import DraftRequest

SECRET = "sk-test-0123456789abcdef"

GROUPS = {
    "groups": [
        {"name": "color", "prompt": "It is {}.", "options": ["white", "gray", "red"]},
        {"name": "form", "prompt": "It looks like {}.", "options": ["a wolf", "a bird"]},
    ]
}


class Live:
    """A live drafter against a test server, with all that it told and wrote."""

    def __init__(self, url: str, folder: Path | None, **options: Any) -> None:
        """`folder` None: nothing is written."""
        self.events: list[LLMEvent] = []
        transcript = folder / "llm.jsonl" if folder is not None else None
        self.transcript = transcript or Path("nothing was written")
        timeout = options.pop("timeout", 5.0)
        silence = options.pop("silence", Silence(timeout, timeout))
        tries: dict[str, Any] = {"silence": silence, "retries": 0, "backoff": 0.01}
        tries |= {name: options.pop(name) for name in (*tries, "reasks") if name in options}
        settings = ModelSettings("scripted", url, transcript=transcript, **options)
        self.transport = LiveTransport(settings, self.events.append, **tries)
        self.drafter = ModelDrafter(Asking(self.transport, self.events.append))

    def told(self, kind: type) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]

    @property
    def exchanges(self) -> tuple[Exchange, ...]:
        return read(self.transcript).exchanges


def complete(live: Live) -> GroupsReply:
    return live.transport.complete("draft groups", ask("Which groups?"), GroupsReply)


def rule(class_name: str, color: str = "white", form: str = "a wolf") -> dict[str, str]:
    """A rule in the groups of `GROUPS`."""
    return {"class_name": class_name, "color": color, "form": form}


def rules(*items: object) -> dict[str, object]:
    return {"rules": list(items)}


def request_for(*classes: str) -> DraftRequest:
    return DraftRequest(domain="Pokémon", classes=tuple((name, "") for name in classes))
