"""The image store: all images of a data set in one file.

Either `raw` (images of one size, one uint8 array `(n, h, w, 3)`) or `encoded` (the files as they were published,
back to back in one uint8 array, with their offsets in a second). Both are memory-mapped.
"""

from __future__ import annotations

import io
import os
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from unispace.errors import UserError
from unispace.records.files import replacing

Pixels = NDArray[np.uint8]

# Larger than any photograph in a recognition data set; a bomb decodes to far more.
Image.MAX_IMAGE_PIXELS = 100_000_000


def decode(content: bytes, name: str) -> Image.Image:
    """Decode an image to RGB, upright.

    Raises:
        UserError: where it cannot be decoded.
    """
    try:
        with Image.open(io.BytesIO(content)) as image:
            upright = ImageOps.exif_transpose(image)
            if upright.mode.startswith("I;16") or upright.mode in ("I", "F"):
                values = np.asarray(upright, dtype=np.float64)
                top = 65535.0 if values.max(initial=0) > 255 else 255.0
                return Image.fromarray((values * 255 / top).round().astype(np.uint8)).convert("RGB")
            if upright.mode in ("RGBA", "LA", "PA") or "transparency" in upright.info:
                ground = Image.new("RGBA", upright.size, (255, 255, 255, 255))
                return Image.alpha_composite(ground, upright.convert("RGBA")).convert("RGB")
            return upright.convert("RGB")
    except (UnidentifiedImageError, Image.DecompressionBombError, OSError, SyntaxError) as error:
        raise UserError(f"{name}: cannot be read as an image ({error})") from error


def resize(image: Image.Image, size: int, interpolation: str) -> Pixels:
    """Resize to a square of `size` pixels, `(size, size, 3)`, with anti-aliasing."""
    if image.size == (size, size):
        return np.asarray(image)
    how = {"bilinear": Image.Resampling.BILINEAR, "bicubic": Image.Resampling.BICUBIC}[
        interpolation
    ]
    return np.asarray(image.resize((size, size), how))


class ImageStore:
    """Random access to the images of a data set."""

    def __init__(self, path: Path) -> None:
        """Open a store.

        Raises:
            UserError: where the file is missing or damaged.
        """
        self.path = path
        try:
            array = np.load(path, mmap_mode="r", allow_pickle=False)
        except FileNotFoundError as error:
            raise UserError(f"{path}: not there; run snakemake to make it") from error
        except ValueError as error:
            raise UserError(
                f"{path}: damaged ({error}); delete it and run snakemake again"
            ) from error
        self.raw = array.ndim == 4
        self._data = array
        self._ends: NDArray[np.int64] = np.zeros(0, np.int64)
        if not self.raw:
            # The file ends with the end offset of every image and their number.
            count = int(np.frombuffer(array[-8:].tobytes(), "<i8")[0])
            self._ends = np.frombuffer(array[-8 - 8 * count : -8].tobytes(), "<i8")

    def __len__(self) -> int:
        """Number of images."""
        return len(self._data) if self.raw else len(self._ends)

    def image(self, row: int) -> Image.Image:
        """One image, decoded, in its own size."""
        if self.raw:
            return Image.fromarray(np.asarray(self._data[row]))
        start = int(self._ends[row - 1]) if row else 0
        content = self._data[start : int(self._ends[row])].tobytes()
        return decode(content, f"{self.path}, image {row}")

    def batch(
        self, rows: Sequence[int] | NDArray[np.int64], size: int, interpolation: str
    ) -> Pixels:
        """Images as squares of `size` pixels, `(len(rows), size, size, 3)`, RGB."""
        if self.raw and self._data.shape[1:3] == (size, size):
            return np.asarray(self._data[np.asarray(rows, dtype=np.int64)])
        return np.stack([resize(self.image(int(row)), size, interpolation) for row in rows])


def write_raw(batches: Iterable[Pixels], count: int, size: int, path: Path) -> None:
    """Write `count` images `(size, size, 3)` that come in batches, holding one batch in memory."""
    with replacing(path) as temporary:
        store = np.lib.format.open_memmap(
            temporary, mode="w+", dtype=np.uint8, shape=(count, size, size, 3)
        )
        filled = 0
        for batch in batches:
            store[filled : filled + len(batch)] = batch
            filled += len(batch)
        if filled != count:
            raise ValueError(f"{path}: {filled} images came, {count} were announced")
        store.flush()
        del store


def write_encoded(contents: Iterable[bytes], path: Path) -> None:
    """Write image files back to back, holding one in memory."""
    with replacing(path) as temporary:
        ends, position = [], 0
        body = temporary.with_suffix(".body")
        try:
            with body.open("wb") as stream:
                for content in contents:
                    stream.write(content)
                    position += len(content)
                    ends.append(position)
                stream.write(np.asarray(ends, "<i8").tobytes())
                stream.write(np.asarray([len(ends)], "<i8").tobytes())
            total = body.stat().st_size
            store = np.lib.format.open_memmap(temporary, mode="w+", dtype=np.uint8, shape=(total,))
            store[:] = np.memmap(body, dtype=np.uint8, mode="r")
            store.flush()
            del store
        finally:
            body.unlink(missing_ok=True)


def decode_once(
    store: ImageStore,
    rows: Sequence[int] | NDArray[np.int64],
    size: int,
    interpolation: str,
    scratch: Path,
) -> Pixels:
    """Images that are read many times, as an array `(len(rows), size, size, 3)` on disk.

    Decoding and resizing for every epoch would cost a training loop a good part of its time; memory would
    not hold a large set. A file in `scratch` that the operating system caches does neither.
    """
    scratch.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=scratch, suffix=".npy")
    os.close(handle)
    shape = (len(rows), size, size, 3)
    decoded = np.lib.format.open_memmap(name, mode="w+", dtype=np.uint8, shape=shape)
    for start in range(0, len(rows), 256):
        part = slice(start, start + 256)
        decoded[part] = store.batch(rows[part], size, interpolation)
    return decoded
