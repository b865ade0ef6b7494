"""The pictures of a session: as the encoder sees them, or none at all."""

from collections.abc import Mapping
from pathlib import Path

import pytest
from PIL import Image

from builder.cli import open_workspace
from builder.cli.pictures import SessionPictures
from builder.cli.screen import Screen
from builder.data.images import LabelledImage
from builder.session.records import ClassInfo, Started

CROP = (0.25, 0.5, 1.0, 1.0)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two classes of one image each: 8 x 4 pixels whose colours tell where they are."""
    for number, name in enumerate(("Absol [red]", "Mew")):
        (tmp_path / name).mkdir()
        picture = Image.new("RGB", (8, 4))
        picture.putdata([(number, column, row) for row in range(4) for column in range(8)])
        picture.save(tmp_path / name / "1.png")
    return tmp_path


def settings(images: str, crop: tuple[float, float, float, float] | None = None) -> Started:
    return Started(
        cotbuild="0",
        domain="creature",
        classes=(ClassInfo(name="Absol [red]"), ClassInfo(name="Mew")),
        images=images,
        crop=crop,
        encoder="test",
        llm=None,
    )


def images_of(folder: Path) -> Mapping[str, LabelledImage]:
    found = open_workspace.images_of(settings(str(folder)), Screen())
    assert found is not None
    return found


def digest_of(label: str, images: Mapping[str, LabelledImage]) -> str:
    (digest,) = (digest for digest, image in images.items() if image.label == label)
    return digest


def test_as_the_encoder_sees_it(folder: Path) -> None:
    images = images_of(folder)
    mew = digest_of("Mew", images)
    whole = SessionPictures(settings(str(folder)), images).open(mew)
    assert whole is not None
    assert whole.size == (8, 4)
    assert whole.getpixel((3, 2)) == (1, 3, 2)
    cropped = SessionPictures(settings(str(folder), CROP), images).open(mew)
    assert cropped is not None
    assert cropped.size == (6, 2)
    assert cropped.getpixel((0, 0)) == (1, 2, 2)


def test_named_by_its_place_in_the_folder(folder: Path) -> None:
    images = images_of(folder)
    digest = digest_of("Absol [red]", images)
    inside = SessionPictures(settings(str(folder)), images)
    assert Path(inside.name(digest)) == Path("Absol [red]/1.png")
    # An image of a data set lies in the cache.
    elsewhere = SessionPictures(settings("someone/cards"), images)
    assert Path(elsewhere.name(digest)) == folder / "Absol [red]" / "1.png"


@pytest.mark.parametrize("crop", [None, CROP])
def test_a_file_that_is_gone_damaged_or_another_one(
    folder: Path, crop: tuple[float, float, float, float] | None
) -> None:
    images = images_of(folder)
    pictures = SessionPictures(settings(str(folder), crop), images)
    mew, absol = digest_of("Mew", images), digest_of("Absol [red]", images)
    path = images[mew].path
    for content in (b"no picture", path.read_bytes()[:60], images[absol].path.read_bytes()):
        path.write_bytes(content)
        assert pictures.open(mew) is None
    path.unlink()
    assert pictures.open(mew) is None
    assert pictures.name(mew).endswith("1.png")
    path.mkdir()
    assert pictures.open(mew) is None
    assert pictures.open(absol) is not None
