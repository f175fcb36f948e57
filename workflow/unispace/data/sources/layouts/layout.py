"""What every reader of a published archive offers, and what readers share."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image

from unispace.errors import UserError


@dataclass(frozen=True)
class Layout:
    """Lists the images of a set and reads them.

    A path is that of the set's first file; further files of the set lie beside it.
    """

    read_listing: Callable[[Path], pd.DataFrame]
    """Columns image_id, member, label, `split` where the set has one, and further ones; in the archive's order."""
    contents: Callable[[Path, Iterable[str]], Iterator[tuple[str, bytes]]]
    """The bytes of images, in the order asked for, one at a time."""
    has_splits: bool
    """Whether the set says which image belongs to which split."""


def beside(path: Path, name: str) -> Path:
    """A further file of a set.

    Raises:
        UserError: where it is not there.
    """
    file = path.with_name(name)
    if not file.is_file():
        raise UserError(f"{path}: {name} must lie beside it and is not there; fetch the set again")
    return file


def png(pixels: NDArray[np.uint8]) -> bytes:
    """Pixels `(h, w)` or `(h, w, 3)` as a PNG file, which loses nothing."""
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG", compress_level=1)
    return stream.getvalue()
