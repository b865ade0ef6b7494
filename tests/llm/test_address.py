import subprocess
import sys

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from builder.errors import InputError
from builder.llm.address import OPENAI_URL, endpoint, is_local, is_near, shown

LOCAL = [
    "http://localhost:11434/v1",
    "http://LOCALHOST/v1",
    "http://127.0.0.1:8000/v1",
    "http://127.0.1.1/v1",
    "https://127.255.255.254",
    "http://[::1]:8000/v1",
]
ELSEWHERE = [
    "https://api.openai.com/v1",
    "http://128.0.0.1/v1",
    "http://192.168.0.9:8000/v1",
    "http://127.0.0.1.example.org/v1",
    "http://localhost.example.org/v1",
    "http://[::2]/v1",
    "http://[::1/v1",
    "nonsense",
]


@pytest.mark.parametrize("url", LOCAL)
def test_addresses_on_this_machine(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert is_local(url) and not is_local(None)
    monkeypatch.setenv("OPENAI_BASE_URL", url)
    assert is_local(None) and not is_local(OPENAI_URL)


@pytest.mark.parametrize("url", ELSEWHERE)
def test_addresses_elsewhere(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not is_local(url)
    monkeypatch.setenv("OPENAI_BASE_URL", url)
    assert not is_local(None)


NEAR = [
    "http://192.168.0.9:8000/v1", "http://10.1.2.3", "http://[fd00::1]/v1", "http://box.local:1/v1",
    "http://ollama:11434/v1", "http://api.localhost",
]  # fmt: skip


@pytest.mark.parametrize("url", [*LOCAL, *NEAR])
def test_addresses_nearby(url: str) -> None:
    assert is_near(url) and not is_near(None)


@pytest.mark.parametrize("url", [each for each in ELSEWHERE if each not in NEAR])
def test_addresses_far_away(url: str) -> None:
    assert not is_near(url)


def test_which_address_is_meant(monkeypatch: pytest.MonkeyPatch) -> None:
    assert shown(None) == "OpenAI" and endpoint(None).geturl() == OPENAI_URL
    monkeypatch.setenv("OPENAI_BASE_URL", "http://host:1/v1")
    assert shown(None) == endpoint(None).geturl() == "http://host:1/v1"
    assert shown("https://other") == endpoint("https://other").geturl() == "https://other"


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://[::1]:80/v1/", "http://[::1]:80/v1/"),
        ("https://me:pass@host:1/v1", "https://host:1/v1"),
        ("https://key@host", "https://host"),
        ("https://host/v1?key=k#part", "https://host/v1"),
        ("http://[::1/v1", "http://[::1/v1"),
        ("localhost:11434/v1", "localhost:11434/v1"),
        ("me:pass@host/v1", "(unreadable)"),
        ("http://[::1?key=k", "(unreadable)"),
        ("http://host\x1b[2J", "(unreadable)"),
    ],
)
def test_an_address_is_shown_without_what_may_be_secret(url: str, expected: str) -> None:
    assert shown(url) == expected


@given(
    st.text(min_size=1).map(lambda text: f"\u00a7{text}\u00a7"),
    st.sampled_from(["http://me:{}@host/v1", "me:{}@host", "ftp://{}@host", "http://{}@[::1"]),
)
@example("1/\u00a7", "http://me:{}@host/v1")
@example("1#\u00a7", "http://me:{}@host/v1")
@example("\u00a7@1?\u00a7", "http://me:{}@host/v1")
def test_no_password_is_ever_shown(password: str, form: str) -> None:
    url = form.format(password)
    assert "\u00a7" not in shown(url)
    with pytest.raises(InputError, match="comes with credentials") as caught:
        endpoint(url)
    assert "\u00a7" not in str(caught.value) and "OPENAI_API_KEY" in caught.value.hint


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("http://@host/v1", "credentials"),
        ("http://host/v1?", "a query"),
        ("http://host/v1?key=k", "a query"),
        ("http://host/v1?api-version=1&key=k", "a query"),
        ("http://host/v1?code=k&api-version=1", "a query"),
        ("http://host/v1?api-version=", "a query"),
        ("http://host/v1#", "a fragment"),
        ("http://me:p@host/v1?a=b#c", "credentials and a query and a fragment"),
    ],
)
def test_what_does_not_belong_in_an_address_is_named(
    url: str, found: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", url)
    for given_url in (url, None):
        with pytest.raises(InputError, match=f"comes with {found};"):
            endpoint(given_url)


def test_the_version_of_an_api_is_no_secret() -> None:
    url = "https://host/openai/deployments/d?api-version=2024-10-21-preview"
    assert endpoint(url).geturl() == url
    assert shown(url) == "https://host/openai/deployments/d"


@pytest.mark.parametrize(
    "url",
    [
        "http://[::1/v1",
        "http://host:99999/v1",
        "http://host:port/v1",
        "http://a b/v1",
        "http://ho\nst/v1",
        "http://a..b/v1",
        "http:///v1",
        "ftp://host/v1",
        "localhost:11434/v1",
    ],
)
def test_what_is_no_http_address(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", url)
    for given_url in (url, None):
        with pytest.raises(InputError, match="is no http address") as caught:
            endpoint(given_url)
        assert caught.value.hint and "\n" not in caught.value.message


def test_looking_at_an_address_loads_no_client() -> None:
    code = (
        "import sys; from builder.llm.address import is_local, shown\n"
        "print({'openai', 'instructor', 'httpx'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == "set()"
