from collections.abc import Iterator

import pytest

from builder.system.model import AttributeGroup, AttributeSystem, make_system
from tests.llm.live import SECRET


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A key that must never be seen, and no address from the machine the tests run on."""
    monkeypatch.setenv("OPENAI_API_KEY", SECRET)
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    yield


@pytest.fixture
def system() -> AttributeSystem:
    """Two groups, three classes; small enough to read."""
    return make_system(
        "Pokémon",
        (
            AttributeGroup(name="color", prompt="It is {}.", options=("white", "gray", "red")),
            AttributeGroup(name="form", prompt="It looks like {}.", options=("a wolf", "a bird")),
        ),
        {
            "Absol": {"color": "white", "form": "a wolf"},
            "Aggron": {"color": "gray", "form": "a wolf"},
            "[red] {}": {"color": "red", "form": "a bird"},
        },
    )
