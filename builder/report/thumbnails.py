"""Pictures that travel inside the page."""

import base64
from io import BytesIO

from PIL import Image

# Of the longer side; on the page a pixel of it is a pixel, or two on a fine screen.
SIDE = 128
_QUALITY = 72


def data_uri(picture: Image.Image) -> str:
    """An RGB picture, made small, as an address that holds it: a few kilobytes of WebP."""
    small = picture.copy()
    small.thumbnail((SIDE, SIDE))
    file = BytesIO()
    small.save(file, "WEBP", quality=_QUALITY, method=4)
    return "data:image/webp;base64," + base64.b64encode(file.getvalue()).decode("ascii")
