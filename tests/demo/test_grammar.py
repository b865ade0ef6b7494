"""The training grammar: its texts are true of what they claim, and never hold a class name."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.demo import grammar
from builder.demo.attributes import ATTRIBUTES, Creature
from builder.demo.deck import CLASSES
from builder.demo.grammar import SYNONYMS
from builder.encoders.miniature import words_of
from tests.chance import chance

seeds = st.integers(0, 2**32 - 1).map(chance)
creatures = st.builds(
    Creature, **{attribute: st.sampled_from(values) for attribute, values in ATTRIBUTES.items()}
)
VOCABULARY = frozenset(word for text in grammar.every_text() for word in words_of(text))


def test_every_value_has_twelve_phrases_or_more() -> None:
    for attribute, values in ATTRIBUTES.items():
        assert tuple(SYNONYMS[attribute]) == values
        assert all(len(set(phrases)) >= 12 for phrases in SYNONYMS[attribute].values())


def test_no_phrase_names_two_values_of_an_attribute() -> None:
    for values in SYNONYMS.values():
        phrases = [phrase for named in values.values() for phrase in set(named)]
        assert len(phrases) == len(set(phrases))


@pytest.mark.parametrize("attribute", ATTRIBUTES)
def test_templates_hold_one_slot(attribute: str) -> None:
    assert len(set(grammar.WORDS.templates[attribute])) >= 13
    assert all(template.count("{}") == 1 for template in grammar.WORDS.templates[attribute])


def test_shared_phrases_name_real_values() -> None:
    for phrase in grammar.SHARED:
        assert phrase.values
        assert phrase.values < set(ATTRIBUTES[phrase.attribute])


def test_class_names_never_occur() -> None:
    names = {word for c in CLASSES for word in words_of(c.name) if len(word) > 1}
    assert not names & VOCABULARY


@given(seeds, st.sampled_from(list(ATTRIBUTES)))
def test_a_groups_options_cover_every_value_once(rng: np.random.Generator, attribute: str) -> None:
    phrases = grammar.group(attribute, rng)
    covered = [value for phrase in phrases for value in phrase.values]
    assert sorted(covered) == sorted(ATTRIBUTES[attribute])
    assert all(phrase.attribute == attribute and "{}" not in phrase.text for phrase in phrases)


@given(seeds, creatures)
def test_a_caption_holds_a_phrase_for_all_it_mentions(
    rng: np.random.Generator, creature: Creature
) -> None:
    text, mentioned = grammar.caption(creature, rng)
    words = set(words_of(text))
    assert 1 <= len(set(mentioned)) == len(mentioned) <= 4
    for attribute in mentioned:
        named = SYNONYMS[attribute][getattr(creature, attribute)]
        forms = [form for phrase in named for form in (phrase, grammar.plural(phrase))]
        assert any(set(words_of(f)) <= words for f in [*forms, *map(grammar.british, forms)])


@given(seeds)
def test_generic_phrases_claim_some_values_and_not_all(rng: np.random.Generator) -> None:
    phrase = grammar.generic(rng)
    assert phrase.values
    assert phrase.values < set(ATTRIBUTES[phrase.attribute])
    if words_of(phrase.text)[0] in ("no", "without"):
        assert len(phrase.values) > 1


@given(seeds, creatures)
def test_all_words_but_inserted_nonsense_are_in_the_vocabulary(
    rng: np.random.Generator, creature: Creature
) -> None:
    texts = [grammar.generic(rng).text, grammar.caption(creature, rng)[0]]
    texts += [phrase.text for phrase in grammar.group("scene", rng)]
    for text in texts:
        assert len([word for word in words_of(text) if word not in VOCABULARY]) <= 1


def test_nonsense_is_inserted_at_the_stated_rate() -> None:
    rng = chance(3)
    changed = [grammar.with_nonsense("a red bird", rng) for _ in range(4000)]
    extra = [len(text.split()) - 3 for text in changed]
    assert set(extra) == {0, 1}
    assert np.mean(extra) == pytest.approx(grammar.NONSENSE_RATE, abs=0.02)


@pytest.mark.parametrize(
    ("phrase", "expected"),
    [
        ("wolf", "wolves"),
        ("sea creature", "sea creatures"),
        ("body", "bodies"),
        ("finch", "finches"),
        ("two horns", "two horns"),
        ("fish", "fish"),
        ("jay", "jays"),
    ],
)
def test_plural(phrase: str, expected: str) -> None:
    assert grammar.plural(phrase) == expected


def test_british() -> None:
    assert grammar.british("a gray or colorful armor") == "a grey or colourful armour"
