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
    """A session's images by digest, as the encoder sees them: upright, RGB, cropped."""

    started: Started
    images: Mapping[str, LabelledImage]

    def name(self, digest: str) -> str:
        """The image's path: below the session's folder of images, else in full."""
        path, folder = self.images[digest].path, Path(self.started.images or "")
        return str(path.relative_to(folder) if path.is_relative_to(folder) else path)

    def open(self, digest: str) -> Image.Image | None:
        """The picture; None if its file is gone, can't be read, or has changed since."""
        crop = Crop(*self.started.crop) if self.started.crop else None
        try:
            with bombs_as_errors():
                return open_unchanged(self.images[digest], crop)
        # The file may go between decoding and hashing.
        except (InputError, OSError):
            return None
