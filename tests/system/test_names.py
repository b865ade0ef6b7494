import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.system.names import likeness, unambiguous


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("Blaine's Moltres", "blaine’s  moltres"),
        ("Celebi & Venusaur-GX", "Celebi & Venusaur–GX"),
        ("“Ace”", '"ace"'),
        ("½ Moon", "1⁄2 moon"),
        ("Pokémon", "Pokémon"),
        ("ﬁn", "fin"),
        ("Straße", "STRASSE"),
    ],
)
def test_spellings_that_are_alike(left: str, right: str) -> None:
    assert likeness(left) == likeness(right)


@pytest.mark.parametrize(("left", "right"), [("Beedrill", "Beedrill δ"), ("A1", "A2"), ("a", "á")])
def test_names_that_are_not(left: str, right: str) -> None:
    assert likeness(left) != likeness(right)


@given(st.lists(st.text(min_size=1), unique=True))
def test_only_names_that_no_other_resembles_are_found(names: list[str]) -> None:
    found = unambiguous(names)
    for name in names:
        alone = [other for other in names if likeness(other) == likeness(name)] == [name]
        assert found.get(likeness(name)) == (name if alone else None)
