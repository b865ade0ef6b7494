"""Writes the demo's deck as a user would bring it: PNG cards in class folders, and classes.txt."""

import signal
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from builder.demo.art import depart, draw_art
from builder.demo.attributes import HARD_DEPARTURE, HARD_NUISANCE
from builder.demo.card import ART_SIZE, draw_card
from builder.demo.deck import CLASSES
from builder.demo.png import encoded
from builder.files import replace_file

# Fixed before anything was scored.
SEED = 2024
CARDS_PER_CLASS = 60
DOMAIN = "creature"


def write_cards(
    folder: Path, per_class: int, *, on_progress: Callable[[int, int], None] | None = None
) -> tuple[Path, Path]:
    """Draws the deck below `folder`; returns the classes file and the folder of images.

    Cards that are there already stay as they are: a deck is the same wherever it is drawn.
    """
    images = folder / "cards"
    classes = folder / "classes.txt"
    folder.mkdir(parents=True, exist_ok=True)
    lines = [f"{entry.name} | {entry.description}" for entry in CLASSES]
    classes.write_text("\n".join(lines) + "\n", encoding="utf-8")
    jobs = [
        (images / entry.name / f"{number + 1:03}.png", index, number)
        for index, entry in enumerate(CLASSES)
        for number in range(per_class)
    ]
    missing = [job for job in jobs if not job[0].exists()]
    for entry in CLASSES:
        (images / entry.name).mkdir(parents=True, exist_ok=True)
    # Drawing is all there is to wait for in the demo, so it takes every core it may.
    with ProcessPoolExecutor(mp_context=get_context("spawn"), initializer=_leave_ctrl_c) as pool:
        try:
            for done, _ in enumerate(pool.map(_write_card, missing, chunksize=20), start=1):
                if on_progress is not None:
                    on_progress(done, len(missing))
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return classes, images


def _leave_ctrl_c() -> None:
    """Ctrl-C reaches every process of the terminal; only the first one answers it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _write_card(job: tuple[Path, int, int]) -> None:
    path, index, number = job
    entry = CLASSES[index]
    rng = np.random.default_rng([SEED, index, number])
    creature = depart(entry.creature, rng, HARD_DEPARTURE)
    art = draw_art(creature, rng, nuisance=HARD_NUISANCE, size=ART_SIZE)
    # A card that was cut off would stay broken for ever; a rename can't be.
    replace_file(path, encoded(draw_card(entry.name, np.asarray(art), rng)))
