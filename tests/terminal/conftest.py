"""A terminal whose variables say nothing special, wherever the tests run."""

import pytest

_SPEAKING = ("COTBUILD_IMAGES", "TERM_PROGRAM", "NO_COLOR", "ACCESSIBLE")


@pytest.fixture
def ordinary_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in _SPEAKING:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
