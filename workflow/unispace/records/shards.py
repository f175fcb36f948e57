"""Images that stay in shards: which files these are, where each image lies in them, and reading it there."""

from __future__ import annotations

import json
import os
import weakref
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from unispace.errors import UserError
from unispace.records.files import replacing
from unispace.records.places import locate

PLACE = np.dtype([("shard", "<u4"), ("offset", "<u8"), ("size", "<u8")])
"""Where an image lies: number of its shard, first byte, number of bytes."""

# Far below what a process may open, and more than is ever read from side by side.
_OPEN = 64


@dataclass(frozen=True)
class Shard:
    """A file that holds images, as it was when they were listed.

    Attributes:
        path: as the study writes it, looked up with `places.locate`.
        size: in bytes.
        sha256: of its bytes. Reading compares the size only; the sum is here so that the images are part of
            the content of whatever refers to them.
    """

    path: str
    size: int
    sha256: str


class ShardReader:
    """Bytes out of shards, which are opened when they are first needed."""

    def __init__(self, shards: Sequence[Shard], name: str) -> None:
        """Take the shards; `name` is whose they are, for errors."""
        self.shards = tuple(shards)
        self._name = name
        self._open: OrderedDict[int, int] = OrderedDict()
        weakref.finalize(self, _close, self._open)

    def read(self, shard: int, offset: int, size: int) -> bytes:
        """The bytes of one image, without moving a position that others share.

        Raises:
            UserError: where the shard is missing, has another size than it had, or cannot be read.
        """
        handle = self._handle(shard)
        try:
            content = os.pread(handle, size, offset)
        except OSError as error:
            raise UserError(
                f"{self.shards[shard].path}: cannot be read ({error.strerror})"
            ) from error
        if len(content) < size:
            raise UserError(f"{self.shards[shard].path}: was cut while it was read")
        return content

    def _handle(self, shard: int) -> int:
        if shard in self._open:
            self._open.move_to_end(shard)
            return self._open[shard]
        known = self.shards[shard]
        file = locate(known.path, self._name)
        try:
            handle = os.open(file, os.O_RDONLY)
        except OSError as error:
            raise UserError(f"{file}: cannot be read ({error.strerror})") from error
        self._open[shard] = handle
        size = os.fstat(handle).st_size
        if size != known.size:
            os.close(self._open.pop(shard))
            raise UserError(
                f"{file}: has {size:,} bytes, and had {known.size:,} when {self._name} was made; "
                f"bring the shard of then back, or run snakemake to prepare the images anew"
            )
        if len(self._open) > _OPEN:
            os.close(self._open.popitem(last=False)[1])
        return handle


def _close(handles: OrderedDict[int, int]) -> None:
    while handles:
        os.close(handles.popitem()[1])


def write_references(shards: Sequence[Shard], places: NDArray[np.void], path: Path) -> None:
    """Write an image store that refers to shards.

    Args:
        shards: the files.
        places: where each image lies, `(n,)`, of type `PLACE`.
        path: where the store goes: a .npy file of the places, and behind its array the shards as JSON.
    """
    about = json.dumps([asdict(shard) for shard in shards]).encode()
    with replacing(path) as temporary, temporary.open("wb") as stream:
        np.save(stream, places.astype(PLACE, copy=False), allow_pickle=False)
        stream.write(about)


def read_shards(path: Path, places: np.memmap) -> ShardReader:
    """What reads the images of a store that refers to shards.

    Raises:
        ValueError: where the file does not say which shards, or names others than it lists.
    """
    with path.open("rb") as stream:
        stream.seek(places.offset + places.nbytes)
        about = json.loads(stream.read())
    try:
        shards = [Shard(str(one["path"]), int(one["size"]), str(one["sha256"])) for one in about]
    except (TypeError, KeyError) as error:
        raise ValueError(f"no list of shards: {error}") from error
    if len(places) and int(places["shard"].max()) >= len(shards):
        raise ValueError("refers to shards that it does not list")
    return ShardReader(shards, str(path))
