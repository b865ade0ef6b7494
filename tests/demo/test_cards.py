"""The deck on disk: the same wherever it is drawn, and kept where it is there already."""

from pathlib import Path

from builder.data import Crop, open_image, read_classes, read_images
from builder.demo.card import ART_CROP, ART_SIZE
from builder.demo.cards import write_cards
from builder.demo.deck import CLASSES


def contents(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_a_deck_is_what_a_user_would_bring(tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    classes, images = write_cards(tmp_path, 1, on_progress=lambda *counts: told.append(counts))
    entries = read_classes(classes)
    assert [entry.name for entry in entries] == [entry.name for entry in CLASSES]
    assert all(entry.description for entry in entries)
    found = read_images(images, [entry.name for entry in entries])
    assert len(found.images) == 14
    assert (found.skipped, found.empty_classes, found.unknown_folders) == ((), (), ())
    assert told[-1] == (14, 14)
    assert open_image(found.images[0].path, Crop(*ART_CROP)).size == (ART_SIZE, ART_SIZE)

    first = contents(tmp_path)
    kept = images / "Quorvane" / "001.png"
    kept.write_bytes(b"mine")
    write_cards(tmp_path, 2)
    second = contents(tmp_path)
    assert second.pop("cards/Quorvane/001.png") == b"mine"
    assert second.items() >= {k: v for k, v in first.items() if "Quorvane/001" not in k}.items()
    assert len(second) == 28
