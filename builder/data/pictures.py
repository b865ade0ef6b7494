"""Decoding one image file, whole or cropped, whatever state the file is in."""

import contextlib
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageOps, UnidentifiedImageError

from builder.errors import InputError

# Named one by one because Pillow's full list includes formats that run other programs (EPS).
_NAMED = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "PPM", "JPEG2000", "AVIF")
Image.init()
# Older and smaller builds of Pillow lack some, and fail on a name that they don't know.
FORMATS = tuple(name for name in _NAMED if name in Image.OPEN)
# left, top, right, bottom. The picture of a Pokémon trading card: chosen from the proportions of
# the layouts, inside both the older one (0.09-0.91 across, 0.11-0.49 down) and the newer one
# (0.08-0.92 across, 0.10-0.47 down), so that name, HP, species line and attacks stay outside;
# not verified on all sets (full-art cards have text on their picture anyway).
_NAMED_CROPS = {"pokemon-card": (0.1, 0.12, 0.9, 0.46)}


class ImageUnreadable(InputError):
    """One image cannot be decoded; `reason` says why without the path, `message` with it."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(
            f"{path} cannot be read as an image: {reason}.",
            hint="Replace the file or remove it from the folder.",
        )
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Crop:
    """The part of every image that is looked at, as fractions 0..1 of its width and height."""

    left: float
    top: float
    right: float
    bottom: float

    def __post_init__(self) -> None:
        if not (0 <= self.left < self.right <= 1 and 0 <= self.top < self.bottom <= 1):
            raise InputError(
                f"The crop {self} keeps nothing or reaches outside the image.",
                hint="Give left,top,right,bottom as fractions with 0 <= left < right <= 1 and "
                "0 <= top < bottom <= 1, for example 0.1,0.1,0.9,0.55.",
            )

    @classmethod
    def parse(cls, text: str) -> "Crop":
        """`left,top,right,bottom`, or a crop's name -> Crop; InputError if it is neither.

        `pokemon-card` is the picture of a Pokémon trading card, without any text. It was chosen
        from the proportions of the older and the newer layout, and not verified on all sets.
        """
        if text.strip() in _NAMED_CROPS:
            return cls(*_NAMED_CROPS[text.strip()])
        try:
            left, top, right, bottom = (float(part) for part in text.split(","))
        except ValueError as error:
            raise InputError(
                f"The crop {text!r} is neither four numbers separated by commas nor a known name.",
                hint="Give left,top,right,bottom as fractions of the image, for example "
                f"0.1,0.1,0.9,0.55, or one of these names: {', '.join(_NAMED_CROPS)}.",
            ) from error
        return cls(left, top, right, bottom)

    def of(self, image: Image.Image) -> Image.Image:
        """The cropped part of an image, in whole pixels, at least one each way."""
        width, height = image.size
        left = min(round(self.left * width), width - 1)
        top = min(round(self.top * height), height - 1)
        right = max(round(self.right * width), left + 1)
        bottom = max(round(self.bottom * height), top + 1)
        return image.crop((left, top, right, bottom))

    def __str__(self) -> str:
        return f"{self.left!r},{self.top!r},{self.right!r},{self.bottom!r}"


def open_image(path: Path, crop: Crop | None) -> Image.Image:
    """The image as a person sees it: first frame, EXIF orientation applied, cropped, RGB.

    Raises ImageUnreadable. Not for threads: `decode_image` is.
    """
    with bombs_as_errors():
        return decode_image(path, crop)


def decode_image(path: Path, crop: Crop | None) -> Image.Image:
    """What `open_image` gives, from any thread; raises ImageUnreadable.

    The caller wraps all calls in one `bombs_as_errors`, which changes a setting of the process.
    """
    with _decoded(path) as file:
        return prepare(file, crop)


def prepare(image: Image.Image, crop: Crop | None) -> Image.Image:
    """What an encoder is shown of an image: EXIF orientation applied, RGB, cropped."""
    upright = _to_rgb(ImageOps.exif_transpose(image))
    return upright if crop is None else crop.of(upright)


def check_image(path: Path) -> None:
    """Decode all of a file as cheaply as can be; raises ImageUnreadable.

    Runs in threads, so the caller wraps all calls in `bombs_as_errors`, which must not.
    """
    # Opening a pipe would wait for ever.
    if not path.is_file():
        raise ImageUnreadable(path, "not a regular file")
    with _decoded(path) as image:
        # A reduced decode still reads the whole file, so that truncation shows, but is faster for
        # JPEG; other formats ignore it.
        image.draft(None, (max(1, image.width // 8), max(1, image.height // 8)))
        image.load()
        # Whether it can be turned and converted depends on its mode and metadata, which one pixel
        # shows as well; copies of all of them would fill the memory.
        prepare(image.crop((0, 0, 1, 1)), None)


@contextlib.contextmanager
def _decoded(path: Path) -> Iterator[Image.Image]:
    """An image while its file is open. Raises ImageUnreadable."""
    try:
        with Image.open(path, formats=FORMATS) as image:
            yield image
    # There is little that damaged data don't cause.
    except Exception as error:
        raise ImageUnreadable(path, _reason(error)) from error


@contextlib.contextmanager
def bombs_as_errors() -> Iterator[None]:
    """Makes images of 90 to 180 million pixels unreadable, of which Pillow only warns."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        # Remarks on odd metadata are of no use to somebody who asked for the pixels.
        warnings.filterwarnings("ignore", category=UserWarning, module="PIL")
        yield


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I;16"):
        # Pillow clips 16-bit gray at 255, which turns most pictures white.
        return image.convert("I").point(lambda value: value / 257).convert("L").convert("RGB")
    if image.mode == "P":
        # By way of RGBA, as a transparent palette entry needs.
        return image.convert("RGBA").convert("RGB")
    return image.convert("RGB")


def _reason(error: Exception) -> str:
    """Why an image could not be decoded, in a few words without the path."""
    if isinstance(error, UnidentifiedImageError):
        return "not an image, or of a format that is not supported"
    if isinstance(error, Image.DecompressionBombError | Image.DecompressionBombWarning):
        limit = (Image.MAX_IMAGE_PIXELS or 0) // 10**6
        return f"more than {limit} million pixels, which may be a decompression bomb"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error).splitlines()[0] if str(error) else type(error).__name__
