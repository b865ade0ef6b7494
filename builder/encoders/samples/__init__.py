"""Sentences and images on which two implementations of an encoder are compared.

Short and long, other scripts, letters that tokenizers change; images of several shapes and modes.
All were made for this purpose.
"""

from pathlib import Path

from PIL import Image

from builder.data.pictures import open_image

_FOLDER = Path(__file__).parent


def sample_texts() -> list[str]:
    """One sentence each; the last has more than 100 tokens."""
    return (_FOLDER / "texts.txt").read_text(encoding="utf-8").splitlines()


def sample_images() -> dict[str, Image.Image]:
    """RGB images by their file's name, in the order of the names."""
    paths = sorted([*_FOLDER.glob("*.png"), *_FOLDER.glob("*.jpg")])
    return {path.name: open_image(path, crop=None) for path in paths}
