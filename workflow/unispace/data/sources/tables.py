"""Tables that name images: CSV or parquet, with a column for the image, mostly one for its label, and further ones."""

from __future__ import annotations

import csv
import difflib
import io
import itertools
from collections.abc import Iterator, Mapping, Sequence
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


def read_table_file(
    table: Path, required: Sequence[str], renamed: Mapping[str, str] = _RENAMED
) -> pd.DataFrame:
    """A table of images in the form that its name says, as `read_csv` and `read_parquet` give it.

    Raises:
        UserError: where it is missing, of neither form, malformed, empty or lacks a column.
    """
    if not table.is_file():
        raise UserError(f"{table}: not a file; it must be a table (.csv or .parquet) of images")
    match table.suffix.lower():
        case ".csv":
            return read_csv(table.read_bytes(), str(table), required, renamed)
        case ".parquet":
            return read_parquet(table, required, renamed)
        case _:
            raise UserError(f"{table}: a table of images ends in .csv or .parquet")


def read_csv(
    content: bytes, name: str, required: Sequence[str], renamed: Mapping[str, str] = _RENAMED
) -> pd.DataFrame:
    """A CSV table as a listing.

    Args:
        content: its text, in UTF-8.
        name: what errors call it.
        required: columns that it must have.
        renamed: what the listing calls some columns: the image `image_id`, its label `label`. Labels may not be empty.

    Returns:
        Columns image_id (`path`), label (`identity_or_class`) and the further ones, all as text.

    Raises:
        UserError: where it is malformed, empty or lacks a column; with the line.
    """
    rows = _rows(content, name)
    header = next(rows, (0, []))[1]
    columns = _columns(header, name, required, renamed, ", separated by commas")
    schema = pa.schema([pa.field(column, pa.string()) for column in columns])
    label = columns.index("label") if "label" in columns else None
    parts = []
    while part := list(itertools.islice(rows, _ROWS)):
        for line, row in part:
            if len(row) != len(header):
                raise UserError(f"{name}, line {line}: {len(row)} cells, needs {len(header)}")
            if label is not None and not row[label].strip():
                raise UserError(f"{name}, line {line}: {header[label]} is empty")
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


def read_parquet(
    file: Path, required: Sequence[str], renamed: Mapping[str, str] = _RENAMED
) -> pd.DataFrame:
    """A parquet table as a listing, as `read_csv` gives it; empty cells of further columns become empty texts.

    Raises:
        UserError: where it is damaged, empty or lacks a column; with the row, counted from 1.
    """
    try:
        table = pq.read_table(file)
        columns = _columns(table.column_names, str(file), required, renamed, "")
        texts = pa.table([column.cast(pa.string()) for column in table.columns], names=columns)
    except (pa.ArrowException, OSError) as error:
        raise UserError(f"{file}: cannot be read as a table of texts ({error})") from error
    frame = texts.to_pandas()
    if frame.empty:
        raise UserError(f"{file} lists no image")
    for written, column in renamed.items():
        if column not in frame:
            continue
        empty = frame[column].isna() | (frame[column].str.strip() == "")
        if empty.any():
            raise UserError(f"{file}, row {int(empty.argmax()) + 1}: {written} is empty")
    return frame.fillna("")


def _columns(
    header: Sequence[str], name: str, required: Sequence[str], renamed: Mapping[str, str], how: str
) -> list[str]:
    """What the listing calls the columns of a table."""
    for column in required:
        if list(header).count(column) != 1:
            number = "no" if column not in header else "more than one"
            near = [] if column in header else difflib.get_close_matches(column, header, n=1)
            meant = f"; did you mean `{near[0]}`?" if near else ""
            raise UserError(
                f"{name} has {number} column `{column}`; it needs {', '.join(required)}{how}{meant}"
            )
    columns = [renamed.get(c, f"{c}_given" if c in _TAKEN else c) for c in header]
    if len(set(columns)) < len(columns):
        raise UserError(f"{name}: two columns have one name")
    return columns
