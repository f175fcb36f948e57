"""Published pickles, read without running what a pickle may ask for.

A pickle can name any function to be called. The reader here knows the few names that an array needs and refuses
all others, so that even a forged archive gets nothing done.
"""

from __future__ import annotations

import io
import pickle
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any

from unispace.errors import UserError

# What a pickled array of bytes is made of, under the names of old and new numpy.
_ALLOWED = {
    ("numpy.core.multiarray", "_reconstruct"),
    ("numpy._core.multiarray", "_reconstruct"),
    ("numpy", "ndarray"),
    ("numpy", "dtype"),
}


class _Arrays(pickle.Unpickler):
    """Reads arrays, texts, numbers, lists and dictionaries, and nothing else."""

    def find_class(self, module: str, name: str) -> Any:
        """One of the names that an array needs.

        Raises:
            pickle.UnpicklingError: for all others.
        """
        if (module, name) == ("_codecs", "encode"):
            return _as_bytes
        if (module, name) not in _ALLOWED:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}")
        return super().find_class(module.replace("numpy.core", "numpy._core"), name)


def _as_bytes(text: str, _encoding: str) -> bytes:
    """How Python 3 writes bytes into a pickle that Python 2 can read; other codecs than this could do more."""
    return text.encode("latin1")


def load(content: bytes, name: str, what: str) -> Any:
    """What a pickle of arrays and plain values holds; texts of Python 2 come as latin-1.

    Args:
        content: the pickle.
        name: where it lies, for errors.
        what: what it should be, for errors.

    Raises:
        UserError: where it is damaged, or asks for anything else.
    """
    try:
        return _Arrays(io.BytesIO(content), encoding="latin1").load()
    except Exception as error:  # a damaged pickle raises whatever it trips over
        raise UserError(f"{name} is damaged or is no {what} ({error}); fetch it again") from error


@contextmanager
def only_arrays() -> Iterator[None]:
    """Within it libraries that read data with `pickle.load` get arrays and plain values, and nothing else.

    So do the readers of torchvision, which open what they downloaded. Tar archives are unpacked by the filter `data`:
    no member leaves the folder, by its name or through a link. It holds for the whole process.
    """
    before = pickle.load, pickle.loads
    unpacked = tarfile.TarFile.extraction_filter
    pickle.load, pickle.loads = _from_stream, _from_bytes
    tarfile.TarFile.extraction_filter = staticmethod(tarfile.data_filter)
    try:
        yield
    finally:
        pickle.load, pickle.loads = before
        tarfile.TarFile.extraction_filter = unpacked


def _from_stream(file: IO[bytes], *, encoding: str = "ASCII", **_: Any) -> Any:
    return _Arrays(file, encoding=encoding).load()


def _from_bytes(content: bytes, /, *, encoding: str = "ASCII", **_: Any) -> Any:
    return _Arrays(io.BytesIO(content), encoding=encoding).load()
