"""Where the live transport sends to, and with which key."""

import traceback
from pathlib import Path

import pytest

from builder.errors import InputError, LLMError
from builder.llm.drafter import open_drafter
from builder.llm.settings import ModelSettings
from builder.llm.transport import ask
from tests.llm.live import GROUPS, SECRET, Live, complete
from tests.openai_server import chat, openai_server


def test_a_server_on_this_machine_needs_no_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY")
    with openai_server([chat(GROUPS)]) as server:
        complete(Live(server.url, tmp_path))
        assert server.requests[0].headers["Authorization"] == "Bearer unused"


def test_a_placeholder_for_a_key_is_not_taken_out_of_the_texts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "x")
    with openai_server([chat(GROUPS)]) as server:
        live = Live(server.url, tmp_path)
        complete(live)
    assert live.exchanges[0].messages == ask("Which groups?")


def test_a_proxy_is_not_asked_for_this_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    with openai_server([chat(GROUPS)]) as server:
        assert len(complete(Live(server.url, tmp_path)).groups) == 2


@pytest.mark.parametrize("url", [None, "https://example.org/v1", "http://192.168.0.9:8000/v1"])
def test_elsewhere_a_missing_key_is_named_before_anything_is_sent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str | None
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY")
    with pytest.raises(LLMError, match="OPENAI_API_KEY is not set") as caught:
        open_drafter(ModelSettings("gpt", url=url, transcript=tmp_path / "llm.jsonl"), print)
    assert "OPENAI_API_KEY" in caught.value.hint
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("url", ["localhost:11434/v1", "ftp://x/v1", "https://", "nonsense"])
def test_an_address_that_is_none(url: str) -> None:
    with pytest.raises(InputError, match="no http address") as caught:
        open_drafter(ModelSettings("gpt", url=url, transcript=None), print)
    assert "http://localhost" in caught.value.hint


@pytest.mark.parametrize("url", ["http://[::1/v1", "http://999.0.0.1/v1", "http://-é-/v1"])
def test_an_address_that_cannot_be_sent_to(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", url)
    for given in (url, None):
        with pytest.raises(InputError, match="no http address") as caught:
            open_drafter(ModelSettings("gpt", url=given, transcript=None), print)
        assert "OPENAI_BASE_URL" in caught.value.hint


@pytest.mark.parametrize("from_environment", [False, True])
def test_secrets_in_an_address_are_refused(
    monkeypatch: pytest.MonkeyPatch, from_environment: bool
) -> None:
    url = "http://me:pass-word@127.0.0.1:9/v1?token=t0ken"
    if from_environment:
        monkeypatch.setenv("OPENAI_BASE_URL", url)
    with pytest.raises(InputError, match=r"http://127\.0\.0\.1:9/v1 comes with") as caught:
        open_drafter(ModelSettings("m", url=None if from_environment else url), print)
    told = "".join(traceback.format_exception(caught.value))
    assert "pass-word" not in told and "t0ken" not in told
    assert "OPENAI_API_KEY" in caught.value.hint


@pytest.mark.parametrize("key", ["sk-tést-0123456789", "sk-one\nsk-two", "sk-\x7f12345678"])
def test_a_key_that_cannot_be_sent(monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", key)
    for url in (None, "http://localhost:1/v1"):
        with pytest.raises(LLMError, match="can't be sent in a header") as caught:
            open_drafter(ModelSettings("m", url=url), print)
        assert key not in "".join(traceback.format_exception(caught.value))
        assert caught.value.hint


def test_all_of_the_loopback_network_needs_no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY")
    assert open_drafter(ModelSettings("m", url="http://127.8.9.10:8000/v1"), print) is not None


def test_the_version_in_an_address_goes_with_every_request(tmp_path: Path) -> None:
    with openai_server([chat(GROUPS), chat(GROUPS)]) as server:
        url = f"{server.url}/openai/deployments/d?api-version=2024-10-21"
        live = Live(url, tmp_path)
        for _ in range(2):
            complete(live)
        assert [request.path for request in server.requests] == [
            "/v1/openai/deployments/d/chat/completions?api-version=2024-10-21"
        ] * 2
        # Azure's own name for it.
        assert server.requests[0].headers["api-key"] == SECRET
