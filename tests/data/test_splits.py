"""Splits: stratified, seeded, stable, and blind to the order of things."""

import random
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from builder.data.splits import Split, assign_splits

LABELS = st.dictionaries(st.uuids().map(str), st.sampled_from("abcd"), min_size=1, max_size=60)
SEEDS = st.integers(0, 3)


def images(**counts: int) -> dict[str, str]:
    return {f"{label}{number}": label for label, n in counts.items() for number in range(n)}


def sizes(splits: dict[str, Split], labels: dict[str, str], label: str) -> dict[str, int]:
    return dict(Counter(splits[digest] for digest, of in labels.items() if of == label))


def test_forty_forty_twenty_in_each_class() -> None:
    labels = images(a=50, b=20, c=25)
    splits = assign_splits(labels, seed=0)
    assert sizes(splits, labels, "a") == {"review": 20, "held_out": 20, "final": 10}
    assert sizes(splits, labels, "b") == {"review": 8, "held_out": 8, "final": 4}
    assert sizes(splits, labels, "c") == {"review": 10, "held_out": 10, "final": 5}


def test_a_median_class_below_twenty_has_no_final_split() -> None:
    assert "final" in assign_splits(images(a=1, b=20, c=30), seed=0).values()
    labels = images(a=100, b=19, c=7)
    splits = assign_splits(labels, seed=0)
    assert sizes(splits, labels, "a") == {"review": 50, "held_out": 50}
    assert sizes(splits, labels, "c") == {"review": 3, "held_out": 4}


def test_the_only_image_of_a_class_is_held_out() -> None:
    assert assign_splits({"x": "a"}, seed=3) == {"x": "held_out"}
    splits = assign_splits(images(a=1, b=30, c=30), seed=0)
    assert splits["a0"] == "held_out"


def test_no_images_give_no_splits() -> None:
    assert assign_splits({}, seed=0) == {}


def test_new_images_fill_what_is_lacking() -> None:
    existing: dict[str, Split] = {"a0": "review", "a1": "review", "a2": "review"}
    splits = assign_splits(images(a=6), existing, seed=0)
    assert sizes(splits, images(a=6), "a") == {"review": 3, "held_out": 3}


def test_a_final_split_once_made_stays_one() -> None:
    existing: dict[str, Split] = {f"a{number}": "review" for number in range(4)}
    existing |= {f"a{number}": "held_out" for number in range(4, 8)} | {"a8": "final"}
    splits = assign_splits(images(a=10), existing, seed=0)
    assert splits["a9"] == "final"


def test_a_seed_decides_which_images() -> None:
    labels = images(a=40, b=40)
    assert assign_splits(labels, seed=0) == assign_splits(labels, seed=0)
    assert assign_splits(labels, seed=0) != assign_splits(labels, seed=1)


def test_which_images_are_chosen_does_not_follow_their_names() -> None:
    splits = assign_splits(images(a=200), seed=0)
    first_half = Counter(splits[f"a{number}"] for number in range(100))
    assert 25 < first_half["review"] < 55


@given(st.dictionaries(st.sampled_from("abcd"), st.integers(1, 60), min_size=1), SEEDS)
def test_each_class_is_split_by_its_quotas_to_within_one(counts: dict[str, int], seed: int) -> None:
    labels = images(**counts)
    splits = assign_splits(labels, seed=seed)
    assert splits.keys() == labels.keys()
    three_way = "final" in splits.values()
    quotas = {"review": 0.4, "held_out": 0.4, "final": 0.2} if three_way else {
        "review": 0.5, "held_out": 0.5, "final": 0.0}  # fmt: skip
    for label, n in counts.items():
        got = sizes(splits, labels, label)
        for split, quota in quotas.items():
            assert abs(got.get(split, 0) - quota * n) < 1


@given(LABELS, SEEDS, st.randoms(use_true_random=False))
def test_the_order_of_the_images_does_not_matter(
    labels: dict[str, str], seed: int, shuffle: random.Random
) -> None:
    items = list(labels.items())
    shuffle.shuffle(items)
    assert assign_splits(dict(items), seed=seed) == assign_splits(labels, seed=seed)


@given(LABELS, LABELS, SEEDS)
def test_what_is_assigned_never_moves(
    earlier: dict[str, str], later: dict[str, str], seed: int
) -> None:
    """Whatever is added, removed or given another label afterwards."""
    first = assign_splits(earlier, seed=seed)
    kept = dict(list(earlier.items())[::2]) | later
    second = assign_splits(kept, first, seed=seed)
    assert first.items() <= second.items()
    assert second.keys() == earlier.keys() | later.keys()
    relabelled = dict.fromkeys(earlier, "z")
    assert assign_splits(relabelled, second, seed=seed + 1) == second
