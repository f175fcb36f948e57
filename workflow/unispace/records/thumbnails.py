"""Images made small, to be drawn from a table when the data set is not at hand."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from unispace.records.images import Pixels


def thumbnail(image: Image.Image, side: int) -> bytes:
    """An image made so small or large that its longer side is `side` pixels, as a PNG file."""
    factor = side / max(image.size)
    size = (max(1, round(image.width * factor)), max(1, round(image.height * factor)))
    buffer = io.BytesIO()
    image.resize(size, Image.Resampling.LANCZOS).save(buffer, format="PNG", optimize=True)
    return buffer.getvalue()


def pixels_of(picture: bytes) -> Pixels:
    """The pixels of a thumbnail, `(height, width, 3)`."""
    with Image.open(io.BytesIO(picture), formats=("PNG",)) as image:
        return np.asarray(image.convert("RGB"))
