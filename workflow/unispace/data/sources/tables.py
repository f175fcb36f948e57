"""Tables that name images: CSV or parquet, with the columns path, identity_or_class and further ones."""

from __future__ import annotations

import csv
import io
import itertools
from collections.abc import Iterator, Sequence
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from unispace.errors import UserError

# What the listing and the record of a data set call their own; a table's columns of these names get a suffix.
_TAKEN = frozenset({"image_id", "member", "label", "row", "domain", "identity"})
# Lines of a table that are Python objects at one time.
_ROWS = 1 << 16
_RENAMED = {"path": "image_id", "identity_or_class": "label"}


def read_csv(content: bytes, name: str, required: Sequence[str]) -> pd.DataFrame:
    """A CSV table as a listing.

    Args:
        content: its text, in UTF-8.
        name: what errors call it.
        required: columns that it must have.

    Returns:
        Columns image_id (`path`), label (`identity_or_class`) and the further ones, all as text.

    Raises:
        UserError: where it is malformed, empty or lacks a column; with the line.
    """
    rows = _rows(content, name)
    header = next(rows, (0, []))[1]
    columns = _columns(header, name, required, ", separated by commas")
    schema = pa.schema([pa.field(column, pa.string()) for column in columns])
    label = header.index("identity_or_class")
    parts = []
    while part := list(itertools.islice(rows, _ROWS)):
        for line, row in part:
            if len(row) != len(header):
                raise UserError(f"{name}, line {line}: {len(row)} cells, needs {len(header)}")
            if not row[label].strip():
                raise UserError(f"{name}, line {line}: identity_or_class is empty")
        cells = zip(*(row for _, row in part), strict=True)
        parts.append(pa.table([pa.array(column, pa.string()) for column in cells], schema))
    if not parts:
        raise UserError(f"{name} lists no image")
    return pa.concat_tables(parts).to_pandas()


def _rows(content: bytes, name: str) -> Iterator[tuple[int, list[str]]]:
    """The lines of a CSV table that are not empty, with their numbers, one at a time."""
    text = io.TextIOWrapper(io.BytesIO(content), "utf-8-sig", newline="")
    lines = csv.reader(text, strict=True)
    try:
        for row in lines:
            if row:
                yield lines.line_num, row
    except UnicodeDecodeError as error:
        raise UserError(f"{name} is no text in UTF-8 ({error})") from error
    except csv.Error as error:
        raise UserError(f"{name}, line {lines.line_num}: no valid CSV ({error})") from error


def read_parquet(file: Path, required: Sequence[str]) -> pd.DataFrame:
    """A parquet table as a listing, as `read_csv` gives it; empty cells of further columns become empty texts.

    Raises:
        UserError: where it is damaged, empty or lacks a column; with the row, counted from 1.
    """
    try:
        table = pq.read_table(file)
        columns = _columns(table.column_names, str(file), required, "")
        texts = pa.table([column.cast(pa.string()) for column in table.columns], names=columns)
    except (pa.ArrowException, OSError) as error:
        raise UserError(f"{file}: cannot be read as a table of texts ({error})") from error
    frame = texts.to_pandas()
    if frame.empty:
        raise UserError(f"{file} lists no image")
    for column in ("image_id", "label"):
        empty = frame[column].isna() | (frame[column].str.strip() == "")
        if empty.any():
            written = {v: k for k, v in _RENAMED.items()}[column]
            raise UserError(f"{file}, row {int(empty.argmax()) + 1}: {written} is empty")
    return frame.fillna("")


def _columns(header: Sequence[str], name: str, required: Sequence[str], how: str) -> list[str]:
    """What the listing calls the columns of a table."""
    for column in required:
        if list(header).count(column) != 1:
            number = "no" if column not in header else "more than one"
            raise UserError(
                f"{name} has {number} column `{column}`; it needs {', '.join(required)}{how}"
            )
    columns = [_RENAMED.get(c, f"{c}_given" if c in _TAKEN else c) for c in header]
    if len(set(columns)) < len(columns):
        raise UserError(f"{name}: two columns have one name")
    return columns
