"""Labels to classes: the spelling first, then what is meant without doubt, and never a guess."""

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from builder.data.matching import (
    Matched,
    Mismatch,
    by_form,
    match_labels,
    nearest,
    nearest_labels,
)
from builder.system.names import normal_form

CARDS = (
    "Absol", "Absol G", "Aggron", "Aerodactyl", "Weedle", "Beedrill δ", "Azumarill", "Bulbasaur",
    "Venusaur", "Celebi & Venusaur-GX", "Caterpie", "Alakazam", "Ampharos", "Blaine's Moltres",
    "Arcanine", "Dratini",
)  # fmt: skip


def classes_of(labels: list[str], class_names: tuple[str, ...]) -> dict[str, str]:
    return dict(match_labels(labels, class_names).classes)


@pytest.mark.parametrize(
    ("label", "class_name"),
    [
        ("Blaine’s Moltres", "Blaine's Moltres"),
        ("BLAINE'S  MOLTRES ", "Blaine's Moltres"),
        ("Celebi and Venusaur-GX", "Celebi & Venusaur-GX"),
        ("Celebi&Venusaur-GX", "Celebi & Venusaur-GX"),
        ("Celebi ＆ Venusaur‑GX", "Celebi & Venusaur-GX"),
        ("Beedrill\u00a0δ", "Beedrill δ"),
        ("Ａｂｓｏｌ", "Absol"),
        ("“Absol”", '"absol"'),
        ("Straße", "STRASSE"),
        ("O＇Neil", "O'Neil"),
    ],
)
def test_typography_makes_no_difference(label: str, class_name: str) -> None:
    matching = match_labels([label], [class_name, "another"])
    assert matching.classes == {label: class_name}
    assert matching.matched({label: 3}) == (Matched(label, class_name, 3),)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Absol", "Absol G"),
        ("Beedrill δ", "Beedrill"),
        ("Beedrill δ", "Beedrill d"),
        ("Celebi & Venusaur-GX", "Celebi & Venusaur GX"),
        ("Celebi & Venusaur-GX", "Celebi & Venusaur"),
        ("Blaine's Moltres", "Blaines Moltres"),
        ("Porygon", "Porygon2"),
        ("Flabébé", "Flabebe"),
        ("Anders", "&ers"),
        ("a_b", "a b"),
    ],
)
def test_other_names_stay_apart(one: str, other: str) -> None:
    assert normal_form(one) != normal_form(other)
    assert classes_of([other], (one, "x")) == {}
    assert classes_of([one, other], (one, other)) == {one: one, other: other}


def test_the_classes_of_a_published_system_never_meet() -> None:
    assert len({normal_form(name) for name in CARDS}) == len(CARDS)
    labels = [*CARDS, "Moltres", "Celebi", "Absol ex", "Beedrill"]
    assert classes_of(labels, CARDS) == {name: name for name in CARDS}
    assert match_labels(labels, CARDS).respelled == ()


def test_the_exact_spelling_wins_and_accents_may_be_stored_either_way() -> None:
    decomposed = unicodedata.normalize("NFD", "Flabébé")
    assert classes_of(["absol", "Absol", decomposed, "Flabébé"], ("Absol", "Flabébé")) == {
        "Absol": "Absol",
        decomposed: "Flabébé",
        "Flabébé": "Flabébé",
    }


def test_what_is_ambiguous_matches_nothing() -> None:
    assert classes_of(["ABSOL", "absol"], ("Absol", "x")) == {}  # two spellings in the data
    assert classes_of(["A and B"], ("a & b", "A&B")) == {}  # two classes
    assert classes_of(["A and B", "A&B"], ("a & b", "A&B")) == {"A&B": "A&B"}


def test_folders_spell_classes_in_their_own_way() -> None:
    matching = match_labels(["a_b", "C_D"], ["a/b", "c/d"], lambda name: name.replace("/", "_"))
    assert matching.classes == {"a_b": "a/b", "C_D": "c/d"}
    assert matching.respelled == ("C_D",)


_NAMES = st.text(
    st.sampled_from("aAbBßéδΔ2²‘'’\"“-–‐& \u00a0\tｎnNdDİıſ´`") | st.characters(codec="utf-8"),
    max_size=8,
)


@given(_NAMES)
@example("´")
@example("ﬃ İ")
def test_a_normal_form_is_its_own(name: str) -> None:
    form = normal_form(name)
    assert normal_form(form) == form
    assert normal_form(f"  {name}\n") == form
    assert normal_form(unicodedata.normalize("NFD", name)) == form


@given(st.lists(_NAMES, max_size=8), st.lists(_NAMES, unique=True, max_size=8))
def test_a_match_is_exact_or_the_only_one(labels: list[str], names: list[str]) -> None:
    names = list(dict.fromkeys(unicodedata.normalize("NFC", name) for name in names))
    matching = match_labels(labels, names)
    for label in labels:
        exact = unicodedata.normalize("NFC", label)
        if exact in names:
            assert matching.classes[label] == exact
            assert label not in matching.respelled
        elif label in matching.classes:
            form = normal_form(label)
            assert [name for name in names if normal_form(name) == form] == [
                matching.classes[label]
            ]
            spellings = {unicodedata.normalize("NFC", other) for other in labels}
            assert [other for other in spellings if normal_form(other) == form] == [exact]
            assert label in matching.respelled
    # The order of neither says anything.
    backwards = match_labels(labels[::-1], names[::-1])
    assert backwards.classes == matching.classes
    assert set(backwards.respelled) == set(matching.respelled)


def test_the_nearest_are_found_whatever_their_typography() -> None:
    labels = ["Celebi and Venusaur GX", "Venusaur", "Mew"]
    assert nearest("CELEBI & Venusaur-GX", by_form(labels))[0] == "Celebi and Venusaur GX"
    assert nearest("zzz", by_form(labels)) == ()
    found = nearest_labels(["Venusaurus"] * 21, labels)
    assert found[19] == Mismatch("Venusaurus", ("Venusaur",))
    assert found[20] == Mismatch("Venusaurus", ())
