"""The pictures of a session's images, for a person to look at."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from builder.data.images import LabelledImage
from builder.data.pictures import Crop, bombs_as_errors
from builder.encoders.reading import open_unchanged
from builder.errors import InputError
from builder.session.records import Started


@dataclass(frozen=True, slots=True, eq=False)
class SessionPictures:
    """Images by digest, as the encoder sees them: upright, RGB, cropped.

    `folder`: where the session's images come from; it is left out of their names.
    """

    images: Mapping[str, LabelledImage]
    crop: Crop | None
    folder: Path

    @classmethod
    def of(cls, started: Started, images: Mapping[str, LabelledImage]) -> "SessionPictures":
        """The pictures of a session that has `images`."""
        crop = Crop(*started.crop) if started.crop else None
        return cls(images, crop, Path(started.images or ""))

    def name(self, digest: str) -> str:
        """The image's path: below the session's folder of images, else in full."""
        path = self.images[digest].path
        return str(path.relative_to(self.folder) if path.is_relative_to(self.folder) else path)

    def open(self, digest: str) -> Image.Image | None:
        """The picture; None if its file is gone, can't be read, or has changed since."""
        try:
            with bombs_as_errors():
                return open_unchanged(self.images[digest], self.crop)
        # The file may go between decoding and hashing.
        except (InputError, OSError):
            return None
