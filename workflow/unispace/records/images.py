"""The image store: all images of a data set in one file, or in the shards that the file refers to.

Either `raw` (images of one size, one uint8 array `(n, h, w, 3)`), `encoded` (the files as they were published, back to
back in one uint8 array, with their offsets in a second) or `referenced` (where each image lies in which shard, see
`unispace.records.shards`). All are memory-mapped.
"""

from __future__ import annotations

import io
import os
import tempfile
from array import array
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from unispace.errors import UserError
from unispace.records.files import disk_errors, replacing
from unispace.records.shards import PLACE, ShardReader, read_shards

Pixels = NDArray[np.uint8]

# Larger than any photograph in a recognition data set; a bomb (more than twice this) decodes to far more.
Image.MAX_IMAGE_PIXELS = 100_000_000
# Only formats that are pictures all through: Pillow would give PostScript to a program that runs it.
_FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF", "PPM", "JPEG2000")


def decode(content: bytes, name: str) -> Image.Image:
    """Decode an image to RGB, upright.

    Raises:
        UserError: where it cannot be decoded.
    """
    try:
        with Image.open(io.BytesIO(content), formats=_FORMATS) as image:
            upright = ImageOps.exif_transpose(image)
            if upright.mode.startswith("I;16") or upright.mode in ("I", "F"):
                return _to_eight_bits(upright)
            if upright.mode in ("RGBA", "LA", "PA") or "transparency" in upright.info:
                ground = Image.new("RGBA", upright.size, (255, 255, 255, 255))
                return Image.alpha_composite(ground, upright.convert("RGBA")).convert("RGB")
            return upright.convert("RGB")
    except Exception as error:  # a decoder that is fed with damage raises whatever it trips over
        raise UserError(f"{name}: cannot be read as an image ({error})") from error


def _to_eight_bits(image: Image.Image) -> Image.Image:
    """Images of one channel with 16 or 32 bits; where the format names no white, 255 or 65535 is taken."""
    values = np.nan_to_num(np.asarray(image, dtype=np.float64))
    sixteen = image.mode.startswith("I;16") or values.max(initial=0) > 255
    scaled = values.clip(min=0) * (255 / 65535 if sixteen else 1.0)
    return Image.fromarray(scaled.round().clip(max=255).astype(np.uint8)).convert("RGB")


def resize(
    image: Image.Image,
    size: int,
    interpolation: str,
    aspect: str = "stretch",
    resized: int | None = None,
) -> Pixels:
    """Resize to a square of `size` pixels, `(size, size, 3)`, with anti-aliasing.

    Args:
        image: RGB.
        size: side of the square.
        interpolation: `bilinear` or `bicubic`.
        aspect: `stretch` squeezes the image into a square, `keep` resizes its shorter side.
        resized: side that it is resized to before the square is cut out of its middle; None for `size`.
    """
    side = resized or size
    width, height = image.size
    target = (side, side)
    if aspect == "keep":
        # The longer side is rounded down, as torchvision and transformers do it.
        shorter = min(width, height)
        target = (side * width // shorter, side * height // shorter)
    if image.size != target:
        how = {"bilinear": Image.Resampling.BILINEAR, "bicubic": Image.Resampling.BICUBIC}
        image = image.resize(target, how[interpolation])
    left, top = (target[0] - size) // 2, (target[1] - size) // 2
    return np.asarray(image)[top : top + size, left : left + size]


class ImageStore:
    """Random access to the images of a data set."""

    def __init__(self, path: Path) -> None:
        """Open a store.

        Raises:
            UserError: where the file is missing or damaged.
        """
        self.path = path
        self._shards: ShardReader | None = None
        self._ends: NDArray[np.int64] = np.zeros(0, np.int64)
        try:
            data = np.load(path, mmap_mode="r", allow_pickle=False)
            if data.dtype == PLACE and data.ndim == 1:
                self._shards = read_shards(path, data)
        except FileNotFoundError as error:
            raise UserError(f"{path}: not there; run snakemake to make it") from error
        except (ValueError, EOFError) as error:
            raise UserError(
                f"{path}: damaged ({error}); delete it and run snakemake again"
            ) from error
        self.raw = data.ndim == 4
        self._data = data
        sound = self._shards is not None or (
            data.dtype == np.uint8 and (self.raw or (data.ndim == 1 and self._find_ends()))
        )
        if not sound:
            raise UserError(f"{path}: holds no images; delete it and run snakemake again")

    def _find_ends(self) -> bool:
        """Take the end offset of every file from the tail of an encoded store; whether there is one."""
        # The file ends with the end offset of every image and their number.
        tail = self._data[-8:].tobytes()
        count = int.from_bytes(tail, "little", signed=True)
        if len(tail) < 8 or not 0 <= count <= (len(self._data) - 8) // 8:
            return False
        self._ends = np.frombuffer(self._data[-8 - 8 * count : -8].tobytes(), "<i8")
        return (int(self._ends[-1]) if count else 0) == len(self._data) - 8 - 8 * count

    def __len__(self) -> int:
        """Number of images."""
        return len(self._data) if self.raw or self._shards else len(self._ends)

    def sides(self) -> tuple[int, int]:
        """Height and width of the images of a raw store.

        Raises:
            ValueError: where each image has its own.
        """
        if not self.raw:
            raise ValueError(f"{self.path}: its images have no size in common")
        return self._data.shape[1], self._data.shape[2]

    def image(self, row: int) -> Image.Image:
        """One image, decoded, in its own size.

        Raises:
            UserError: where it cannot be decoded, or its shard is missing or another one.
        """
        if self.raw:
            return Image.fromarray(np.asarray(self._data[row]))
        return decode(self._content(row), f"{self.path}, image {row}")

    def _content(self, row: int) -> bytes:
        """The file of an image, as it was published."""
        if self._shards:
            place = self._data[row]
            return self._shards.read(int(place["shard"]), int(place["offset"]), int(place["size"]))
        start = int(self._ends[row - 1]) if row else 0
        return self._data[start : int(self._ends[row])].tobytes()

    def batch(
        self,
        rows: Sequence[int] | NDArray[np.int64],
        size: int,
        interpolation: str,
        aspect: str = "stretch",
        resized: int | None = None,
    ) -> Pixels:
        """Images as squares of `size` pixels, `(len(rows), size, size, 3)`, RGB; the arguments are those of `resize`."""
        if self.raw and self._data.shape[1:3] == (size, size) and resized in (None, size):
            return np.asarray(self._data[np.asarray(rows, dtype=np.int64)])
        pixels = np.empty((len(rows), size, size, 3), np.uint8)
        for place, row in enumerate(rows):
            pixels[place] = resize(self.image(int(row)), size, interpolation, aspect, resized)
        return pixels


def write_raw(batches: Iterable[Pixels], count: int, size: int, path: Path) -> None:
    """Write `count` images `(size, size, 3)` that come in batches, holding one batch in memory."""
    with replacing(path) as temporary:
        filled = _append(temporary, batches, (count, size, size, 3))
        if filled != count:
            raise ValueError(f"{path}: {filled} images came, {count} were announced")


def write_encoded(contents: Iterable[bytes], path: Path) -> None:
    """Write image files back to back, holding one in memory."""
    with replacing(path) as temporary, temporary.open("wb") as stream:
        ends, position = array("q"), 0
        stream.write(_header((0,)))
        for content in contents:
            stream.write(content)
            position += len(content)
            ends.append(position)
        ends.append(len(ends))
        tail = np.asarray(ends, "<i8").tobytes()
        stream.write(tail)
        # The header leaves room for any length, so that it can be written again now that it is known.
        stream.seek(0)
        stream.write(_header((position + len(tail),)))


def _header(shape: tuple[int, ...]) -> bytes:
    """The header of a .npy file of bytes."""
    header = io.BytesIO()
    content = {"descr": "|u1", "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(header, content)
    return header.getvalue()


def _append(file: Path, batches: Iterable[Pixels], shape: tuple[int, ...]) -> int:
    """Write batches one after the other as a .npy file of that shape; returns how many images came.

    Plain writing fails with an error where the disk is full; writing to mapped memory would kill the process.
    """
    filled = 0
    with file.open("wb") as stream:
        stream.write(_header(shape))
        for batch in batches:
            if batch.shape[1:] != shape[1:] or batch.dtype != np.uint8:
                raise ValueError(f"{file}: a batch is {batch.dtype} {batch.shape}, needs {shape}")
            stream.write(np.ascontiguousarray(batch).data)
            filled += len(batch)
    return filled


def decode_once(
    store: ImageStore,
    rows: Sequence[int] | NDArray[np.int64],
    size: int,
    interpolation: str,
    scratch: Path,
    aspect: str = "stretch",
    resized: int | None = None,
) -> Pixels:
    """Images that are read many times, as an array `(len(rows), size, size, 3)` on disk.

    Decoding and resizing for every epoch would cost a training loop a good part of its time; memory would
    not hold a large set. A file in `scratch` that the operating system caches does neither.
    """
    scratch.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=scratch, suffix=".npy")
    os.close(handle)
    parts = (rows[start : start + 256] for start in range(0, len(rows), 256))
    batches = (store.batch(part, size, interpolation, aspect, resized) for part in parts)
    with disk_errors(Path(name)):
        _append(Path(name), batches, (len(rows), size, size, 3))
    return np.load(name, mmap_mode="r", allow_pickle=False)
