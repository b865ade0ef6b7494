"""The parts that `score` shows."""

from pathlib import Path

from builder.cli.score_rows import parts_of
from builder.data.images import LabelledImage
from builder.system.file import Provenance, SystemFile
from tests.worlds import DRAFT


def test_the_splits_come_in_their_order_whatever_the_files_order() -> None:
    splits = {"final": ("a",), "held_out": ("b",), "review": ("c",)}
    provenance = Provenance.model_validate(
        {"created": "2026-01-01T00:00:00Z", "cotbuild": "0", "splits": splits, "note": ""}
    )
    images = [LabelledImage(Path(d), "x", d) for d in "abcd"]
    file = SystemFile(system=DRAFT, provenance=provenance)
    assert [*parts_of([file], images).items()] == [
        ("review", {"c"}),
        ("held-out", {"b"}),
        ("final", {"a"}),
        ("images that the session had not seen", {"d"}),
        ("all images", {*"abcd"}),
    ]
