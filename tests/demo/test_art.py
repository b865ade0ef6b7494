from collections.abc import Callable
from itertools import combinations
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from builder.demo.art import depart, draw_art
from builder.demo.attributes import ATTRIBUTES, Creature
from builder.demo.canvas import Canvas, Frame
from builder.demo.effects import EFFECTS as EFFECT_PAINTERS
from builder.demo.nuisance import posed, post_process
from builder.demo.palette import body_colour
from builder.demo.patterns import PATTERNS as PATTERN_PAINTERS
from builder.demo.scenes import SCENES as SCENE_PAINTERS
from builder.demo.traits import TRAITS as TRAIT_SHAPES
from tests.chance import chance

Pixels = NDArray[np.float64]
COLOURS, FORMS, TRAITS, PATTERNS, SCENES, EFFECTS = ATTRIBUTES.values()
creatures = st.builds(
    Creature, **{name: st.sampled_from(values) for name, values in ATTRIBUTES.items()}
)


def creature(**chosen: str) -> Creature:
    plain = {
        "colour": "blue",
        "form": "quadruped",
        "trait": "gem",
        "pattern": "plain",
        "scene": "desert",
        "effect": "none",
    }
    return Creature(**(plain | chosen))


def pixels(drawn: Creature, seed: int = 3, **options: Any) -> Pixels:
    picture = draw_art(drawn, chance(seed), **{"nuisance": 0.0, **options})
    return np.asarray(picture, dtype=np.float64)


def changed(one: Pixels, other: Pixels) -> NDArray[np.bool_]:
    mask: NDArray[np.bool_] = np.abs(one - other).max(axis=-1) > 24
    return mask


def unseen(paint: Callable[..., Any]) -> Callable[..., Any]:
    """The same painter with the same random draws, on a canvas that nobody sees."""

    def on_scratch(canvas: Canvas, *rest: Any) -> Any:
        return paint(Canvas(canvas.image.copy(), canvas.frame), *rest)

    return on_scratch


@settings(deadline=None, max_examples=25)
@given(creatures, st.integers(0, 2**32), st.floats(0.0, 2.5))
def test_any_creature_draws_the_same_twice(drawn: Creature, seed: int, nuisance: float) -> None:
    first, second = (draw_art(drawn, chance(seed), nuisance=nuisance) for _ in range(2))
    assert first.mode == "RGB"
    assert first.size == (96, 96)
    assert first.tobytes() == second.tobytes()


def test_another_seed_gives_another_picture() -> None:
    assert changed(pixels(creature(), 1), pixels(creature(), 2)).mean() > 0.05


def test_the_generator_is_the_only_source_of_chance() -> None:
    rng = chance(11)
    first, second = draw_art(creature(), rng), draw_art(creature(), rng)
    assert first.tobytes() != second.tobytes()
    again = chance(11)
    assert [draw_art(creature(), again).tobytes() for _ in range(2)] == [
        first.tobytes(),
        second.tobytes(),
    ]


@pytest.mark.parametrize("size", [48, 96, 210])
def test_the_size_asked_for(size: int) -> None:
    assert draw_art(creature(), chance(0), size=size).size == (size, size)


@pytest.mark.parametrize("nuisance", [0.0, 1.0])
def test_a_large_picture_shows_what_the_small_one_shows(nuisance: float) -> None:
    large = draw_art(creature(), chance(4), nuisance=nuisance, size=192)
    small = pixels(creature(), 4, nuisance=nuisance)
    reduced = np.asarray(large.reduce(2), dtype=np.float64)
    assert np.abs(reduced - small).mean() < 6


def test_a_large_picture_is_drawn_finely_not_enlarged() -> None:
    large = pixels(creature(), size=384)
    assert (large[::2] != large[1::2]).any(axis=-1).mean() > 0.1


def visible_trait(form: str, trait: str) -> tuple[NDArray[np.bool_], Pixels]:
    """Where a trait shows, and its mean colour there, by drawing with and without its shapes."""
    worn = creature(form=form, trait=trait)
    shapes = TRAIT_SHAPES[trait]
    drawn = pixels(worn)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(TRAIT_SHAPES, trait, lambda *given: shapes(*given)[:0])
        bare = pixels(worn)
    where = changed(drawn, bare)
    return where, drawn[where].mean(axis=0)


@pytest.mark.parametrize("form", FORMS)
def test_every_trait_shows_on_every_form_and_no_two_look_alike(form: str) -> None:
    seen = {trait: visible_trait(form, trait) for trait in TRAITS}
    for trait, (where, _) in seen.items():
        assert where.mean() > 0.008, trait
    for one, other in combinations(TRAITS, 2):
        (here, colour), (there, second) = seen[one], seen[other]
        overlap = (here & there).sum() / (here | there).sum()
        assert overlap < 0.6 or np.abs(colour - second).max() > 40, (one, other)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("pattern", [name for name in PATTERNS if name != "plain"])
def test_every_pattern_shows_on_every_form(
    form: str, pattern: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    coated = creature(form=form, pattern=pattern)
    drawn = pixels(coated)
    monkeypatch.setitem(PATTERN_PAINTERS, pattern, unseen(PATTERN_PAINTERS[pattern]))
    assert changed(drawn, pixels(coated)).mean() > 0.006


@pytest.mark.parametrize("effect", [name for name in EFFECTS if name != "none"])
def test_every_effect_shows(effect: str, monkeypatch: pytest.MonkeyPatch) -> None:
    within = creature(effect=effect, scene="cave")
    drawn = pixels(within)
    monkeypatch.setitem(EFFECT_PAINTERS, effect, unseen(EFFECT_PAINTERS[effect]))
    assert changed(drawn, pixels(within)).mean() > 0.02


@pytest.mark.parametrize("scene", SCENES)
def test_every_scene_fills_the_picture(scene: str) -> None:
    image = np.full((192, 192, 3), (255, 0, 255), dtype=np.uint8)
    SCENE_PAINTERS[scene](Canvas(image, Frame.whole(192)), chance(8))
    assert (image == (255, 0, 255)).all(axis=-1).sum() == 0


def test_no_two_scenes_look_alike() -> None:
    means = {
        scene: np.mean([pixels(creature(scene=scene), seed) for seed in range(4)], axis=0)
        for scene in SCENES
    }
    for one, other in combinations(SCENES, 2):
        assert np.abs(means[one] - means[other]).mean() > 15, (one, other)


def test_a_colour_is_nearer_to_its_own_name_than_to_another() -> None:
    rng = chance(5)
    drawn = {c: np.array([body_colour(c, rng) for _ in range(60)], dtype=float) for c in COLOURS}
    middles = np.stack([drawn[colour].mean(axis=0) for colour in COLOURS])
    for index, colour in enumerate(COLOURS):
        distances = np.linalg.norm(drawn[colour][:, None] - middles, axis=-1)
        assert (distances.argmin(axis=1) == index).mean() > 0.95, colour


@pytest.mark.parametrize("colour", COLOURS)
def test_the_body_wears_its_colour(colour: str) -> None:
    rng = chance(6)
    expected = np.mean([body_colour(colour, rng) for _ in range(60)], axis=0)
    belly = pixels(creature(colour=colour, form="blob"))[62:70, 40:56].reshape(-1, 3)
    assert np.abs(np.median(belly, axis=0) - expected).max() < 64


def test_no_nuisance_leaves_pose_and_pixels_alone() -> None:
    image = np.asarray(draw_art(creature(), chance(1)))
    frame = Frame.whole(192)
    poses = [posed(frame, chance(seed), 0.0) for seed in range(5)]
    assert all((pose.matrix == poses[0].matrix).all() for pose in poses)
    assert all((pose.offset == poses[0].offset).all() for pose in poses)
    assert poses[0].matrix[0, 0] > 0
    assert post_process(image, chance(2), 0.0).tobytes() == image.tobytes()


def test_more_nuisance_disturbs_more() -> None:
    image = np.asarray(draw_art(creature(), chance(1), nuisance=0.0))
    clean = image.astype(np.float64)
    harm = [
        np.mean([np.abs(post_process(image, chance(s), n) - clean).mean() for s in range(20)])
        for n in (0.3, 1.0, 1.8)
    ]
    assert harm[0] < 0.6 * harm[1] < 0.6 * harm[2]


@given(creatures, st.integers(0, 2**32))
def test_departing_for_certain_changes_every_attribute(drawn: Creature, seed: int) -> None:
    other = depart(drawn, chance(seed), 1.0)
    for attribute, values in ATTRIBUTES.items():
        assert getattr(other, attribute) in values
        assert getattr(other, attribute) != getattr(drawn, attribute)
    assert depart(drawn, chance(seed), 0.0) == drawn


def test_attributes_depart_alone_at_the_given_rate() -> None:
    rng = chance(0)
    others = [depart(creature(), rng, 0.25) for _ in range(2000)]
    left = np.array(
        [[getattr(o, name) != getattr(creature(), name) for name in ATTRIBUTES] for o in others]
    )
    assert np.abs(left.mean(axis=0) - 0.25).max() < 0.04
    together = np.corrcoef(left.T) - np.eye(len(ATTRIBUTES))
    assert np.abs(together).max() < 0.1
