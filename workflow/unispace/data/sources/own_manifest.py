"""A table of the user's own images: a CSV or parquet file beside them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

import pandas as pd

from unispace.data.sources.fingerprints import fingerprint_of
from unispace.data.sources.tables import read_table_file
from unispace.errors import UserError
from unispace.records.places import VARIABLE

COLUMNS = ("path", "identity_or_class")


def read_listing(table: Path) -> pd.DataFrame:
    """The images that a table names, in its order.

    Returns:
        Columns image_id and member (the path as the table writes it), label, and the further columns of the
        table, such as split.

    Raises:
        UserError: where the table is missing or malformed, or an image is missing or named twice.
    """
    frame = read_table_file(table, COLUMNS)
    for name in frame["image_id"]:
        if name.startswith("/") or ".." in name.split("/"):
            raise UserError(
                f"{table} names {name}; paths begin beside the table or below {VARIABLE} and never lead out"
            )
    twice = frame.loc[frame["image_id"].duplicated(), "image_id"]
    if len(twice):
        raise UserError(f"{table} names {twice.iloc[0]} twice")
    absent = [name for name in frame["image_id"] if not _file(table, name).is_file()]
    if absent:
        places = " nor ".join(str(base / absent[0]) for base in _bases(table))
        raise UserError(
            f"{table} names {len(absent)} images that are not there, such as {absent[0]} (neither {places})"
            if len(_bases(table)) > 1
            else f"{table} names {len(absent)} images that are not there, such as {absent[0]} ({places}); "
            f"paths begin beside the table, or below {VARIABLE}, which is not set"
        )
    return frame.assign(member=frame["image_id"])


def contents(table: Path, members: Iterable[str]) -> Iterator[tuple[str, bytes]]:
    """The bytes of images, in the order asked for, one at a time."""
    for name in members:
        file = _file(table, name)
        try:
            yield name, file.read_bytes()
        except OSError as error:
            raise UserError(f"{file}: cannot be read ({error.strerror})") from error


def fingerprint(table: Path, cache: Path) -> str:
    """A hash of the table and of the contents of its images, as `fingerprint_of` makes it."""
    names = read_listing(table)["image_id"]
    files = {"\0table": table, **{name: _file(table, name) for name in names}}
    return fingerprint_of(files, str(table.resolve()), cache)


def _bases(table: Path) -> list[Path]:
    root = os.environ.get(VARIABLE)
    return [table.parent, *([Path(root).expanduser()] if root else [])]


def _file(table: Path, name: str) -> Path:
    """Where an image is: beside the table, or else below the folder of all data."""
    places = [base / name for base in _bases(table)]
    return next((place for place in places if place.is_file()), places[0])
