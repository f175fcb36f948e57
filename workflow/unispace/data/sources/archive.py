"""A manifest archive: a tar or zip of images with a table that names them.

The archive is read in place; nothing is unpacked to disk, so no member can land outside a folder.
"""

from __future__ import annotations

import csv
import io
import posixpath
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pandas as pd

from unispace.errors import UserError, did_you_mean

COLUMNS = ("path", "identity_or_class", "split", "source")

Reader = Callable[[str], bytes]


@contextmanager
def open_archive(path: Path) -> Iterator[tuple[list[str], Reader]]:
    """Open a tar (also compressed) or zip archive.

    Yields:
        The names of its regular files, and a function that reads one.

    Raises:
        UserError: where it is missing, truncated or no archive.
    """
    broken = f"{path}: truncated or damaged archive; fetch it again"
    try:
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                files = [m.filename for m in archive.infolist() if not m.is_dir()]
                yield files, archive.read
            return
        with tarfile.open(path) as archive:
            members = {m.name: m for m in archive if m.isfile()}

            def read(name: str) -> bytes:
                stream = archive.extractfile(members[name])
                if stream is None:
                    raise UserError(f"{path}: {name} is not a file")
                content = stream.read()
                if len(content) != members[name].size:
                    raise UserError(broken)
                return content

            yield list(members), read
    except (tarfile.TarError, zipfile.BadZipFile, EOFError) as error:
        raise UserError(f"{broken} ({error})") from error


def read_listing(path: Path, manifest: str) -> pd.DataFrame:
    """The table of an archive as a listing.

    Returns:
        Columns image_id (the path in the archive's folder), member (the name in the archive), label, split,
        and the further columns of the table.

    Raises:
        UserError: where there is no such table, a column or an image is missing, or an image is named twice.
    """
    with open_archive(path) as (names, read):
        tables = [n for n in names if n == manifest or n.endswith("/" + manifest)]
        if not tables:
            raise UserError(
                f"{path}: holds no `{manifest}`; {did_you_mean(manifest, [posixpath.basename(n) for n in names])}"
            )
        table = min(tables, key=len)
        frame = pd.read_csv(
            io.BytesIO(read(table)), dtype=str, keep_default_na=False, quoting=csv.QUOTE_MINIMAL
        )
    for column in COLUMNS[:3]:
        if column not in frame.columns:
            raise UserError(
                f"{path}: {table} has no column `{column}`; it needs {', '.join(COLUMNS[:3])}"
            )
    if frame.empty:
        raise UserError(f"{path}: {table} lists no image")
    folder = posixpath.dirname(table)
    frame = frame.rename(columns={"path": "image_id", "identity_or_class": "label"})
    frame["member"] = [posixpath.join(folder, p) for p in frame["image_id"]]
    absent = sorted(set(frame["member"]) - set(names))
    if absent:
        raise UserError(
            f"{path}: {table} names {len(absent)} images that are not in the archive, such as {absent[0]}"
        )
    twice = frame.loc[frame["image_id"].duplicated(), "image_id"]
    if len(twice):
        raise UserError(f"{path}: {table} names {twice.iloc[0]} twice")
    blank = frame.index[frame["label"].str.strip() == ""]
    if len(blank):
        raise UserError(f"{path}: {table}, line {blank[0] + 2}: identity_or_class is empty")
    return frame


def contents(path: Path, members: list[str]) -> Iterator[tuple[str, bytes]]:
    """The bytes of images, in the order asked for, one at a time."""
    with open_archive(path) as (_, read):
        for name in members:
            yield name, read(name)
