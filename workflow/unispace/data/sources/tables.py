"""Tables that name images: CSV or parquet, with the columns path, identity_or_class and further ones."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from unispace.errors import UserError

# What the listing and the record of a data set call their own; a table's columns of these names get a suffix.
_TAKEN = frozenset({"image_id", "member", "label", "row", "domain", "identity"})
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
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UserError(f"{name} is no text in UTF-8 ({error})") from error
    lines = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        rows = [(lines.line_num, row) for row in lines if row]
    except csv.Error as error:
        raise UserError(f"{name}, line {lines.line_num}: no valid CSV ({error})") from error
    header = rows[0][1] if rows else []
    columns = _columns(header, name, required, ", separated by commas")
    if len(rows) == 1:
        raise UserError(f"{name} lists no image")
    label = header.index("identity_or_class")
    for line, row in rows[1:]:
        if len(row) != len(header):
            raise UserError(f"{name}, line {line}: {len(row)} cells, needs {len(header)}")
        if not row[label].strip():
            raise UserError(f"{name}, line {line}: identity_or_class is empty")
    return pd.DataFrame([row for _, row in rows[1:]], columns=columns, dtype=str)


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
    frame = texts.to_pandas().astype(object)
    if frame.empty:
        raise UserError(f"{file} lists no image")
    for column in ("image_id", "label"):
        empty = frame[column].isna() | (frame[column].astype(str).str.strip() == "")
        if empty.any():
            written = {v: k for k, v in _RENAMED.items()}[column]
            raise UserError(f"{file}, row {int(empty.argmax()) + 1}: {written} is empty")
    return frame.fillna("").astype(str)


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
