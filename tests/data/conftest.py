"""Small images, archives and folders."""

import io
import tarfile
import zipfile

import numpy as np
import pytest
from PIL import Image


def picture(seed, size=8, form="PNG"):
    """The bytes of an image file."""
    pixels = np.random.default_rng(seed).integers(0, 256, (size, size, 3), dtype=np.uint8)
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, form)
    return stream.getvalue()


def pack(path, members):
    """A zip or (compressed) tar of {name: bytes}."""
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in members.items():
                archive.writestr(name, content)
        return path
    mode = {".tar": "w", ".gz": "w:gz", ".bz2": "w:bz2", ".xz": "w:xz"}[path.suffix]
    with tarfile.open(path, mode) as archive:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return path


def table(rows, columns=("path", "identity_or_class", "split")):
    """A CSV table."""
    return "\n".join([",".join(columns), *(",".join(row) for row in rows)]).encode()


@pytest.fixture
def make():
    """The helpers of this file, for tests."""

    class Make:
        picture = staticmethod(picture)
        pack = staticmethod(pack)
        table = staticmethod(table)

    return Make
