"""The demo's fourteen classes, fixed before anything was scored.

Names are invented and tell an encoder nothing. Several pairs differ in one attribute only:
Quorvane / Quorvane G in the scene, Tazmirel / Tazmora in the wings, Bolithax / Bolidrun in the
pattern, Pemquill / Pemquor in the colour. The descriptions are a collector's guide for the
language model; the training grammar is written without them.
"""

from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter

from builder.demo.attributes import Creature


@dataclass(frozen=True, slots=True)
class DeckClass:
    """A class of cards: its invented name, what a guide says of it, and how it is drawn."""

    name: str
    description: str
    creature: Creature


_FILE = Path(__file__).with_name("deck.json")
CLASSES = TypeAdapter(tuple[DeckClass, ...]).validate_json(_FILE.read_bytes())
