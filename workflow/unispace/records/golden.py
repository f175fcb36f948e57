"""Expected results in Git: a table for each study, and a line for each time that a change of it was accepted."""

from __future__ import annotations

import csv
import io
from dataclasses import astuple, dataclass, fields
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.csv as pacsv

from unispace.errors import UserError
from unispace.records.files import replacing

KEYS = ["experiment", "model", "source", "target", "method", "fitted_on", "dataset", "protocol", "metric"]  # fmt: skip
"""What tells a cell of the tidy results from all others of its study."""
NUMBERS = ["value", "lower", "upper"]

GOLDEN_SCHEMA = pa.schema(
    [
        *(pa.field(name, pa.string(), nullable=False) for name in KEYS),  # empty where there is none
        *(pa.field(name, pa.float64()) for name in NUMBERS),  # empty where the cell failed
        pa.field("n", pa.int64(), nullable=False),  # items; of several cells together how many
        pa.field("status", pa.string(), nullable=False),
    ]
)  # fmt: skip


@dataclass(frozen=True)
class Acceptance:
    """A change of expected results that somebody took responsibility for.

    Attributes:
        date: of the day, as 2026-01-31 (UTC).
        commit: what was checked out, with `+` behind it where files in Git were changed.
        cells: how many are expected from then on.
        changed, lost, new: how many of them differ from what was expected before, are no more, and were not before.
        biggest: the cell that drifted most against its allowance, in words; empty where none was over it.
        processor: what the run computed on, and with which instructions (`kernels.processor`).
        reason: why this is right.
    """

    date: str
    commit: str
    cells: int
    changed: int
    lost: int
    new: int
    biggest: str
    processor: str
    reason: str


def write_golden(frame: pd.DataFrame, path: Path) -> None:
    """Write expected results, sorted by what tells cells apart, so that changes can be read in a diff.

    Args:
        frame: columns of `GOLDEN_SCHEMA`.
        path: a CSV file.

    Raises:
        ValueError: where two rows are about one cell.
    """
    twice = frame[frame.duplicated(KEYS)]
    if len(twice):
        raise ValueError(f"{path}: {len(twice)} cells stand twice, such as {tuple(twice.iloc[0])}")
    rows = frame.sort_values(KEYS)[GOLDEN_SCHEMA.names]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(GOLDEN_SCHEMA.names)
    for row in rows.itertuples(index=False):
        writer.writerow(_shown(cell) if isinstance(cell, float) else cell for cell in row)
    with replacing(path) as temporary:
        temporary.write_text(text.getvalue(), "utf-8")


def _shown(number: float) -> str:
    return "" if number != number else f"{number:.9g}"


def read_golden(path: Path) -> pd.DataFrame:
    """Read expected results.

    Returns:
        Rows in the order of the file, columns of `GOLDEN_SCHEMA`.

    Raises:
        UserError: where the file is damaged or a cell stands in it twice.
    """
    types = {field.name: field.type for field in GOLDEN_SCHEMA}
    # What is empty is an empty text in keys, and no number elsewhere.
    options = pacsv.ConvertOptions(column_types=types, strings_can_be_null=False)
    try:
        table = pacsv.read_csv(path, convert_options=options)
    except (pa.ArrowException, OSError) as error:
        raise UserError(f"{path}: cannot be read as expected results ({error})") from error
    if table.column_names != GOLDEN_SCHEMA.names:
        raise UserError(
            f"{path}: the columns must be {', '.join(GOLDEN_SCHEMA.names)}; got {', '.join(table.column_names)}"
        )
    if table.column("n").null_count:
        raise UserError(f"{path}: column `n` holds empty cells")
    frame = table.to_pandas()
    twice = frame[frame.duplicated(KEYS)]
    if len(twice):
        raise UserError(
            f"{path}, line {int(str(twice.index[0])) + 2}: this cell stands twice; a merge may have kept both sides. "
            f"Take one of the two, or run `unispace accept` again"
        )
    return frame


def read_acceptances(path: Path) -> list[Acceptance]:
    """All acceptances, the first one first; none where there is no file.

    Raises:
        UserError: where the file is damaged.
    """
    if not path.exists():
        return []
    wanted = [field.name for field in fields(Acceptance)]
    with path.open(encoding="utf-8", newline="") as stream:
        names, *lines = list(csv.reader(stream)) or [[]]
    if names != wanted:
        raise UserError(f"{path}: the columns must be {', '.join(wanted)}; got {', '.join(names)}")
    found = []
    for number, line in enumerate(lines, start=2):
        try:
            date, commit, *counts, biggest, processor, reason = line
            cells, changed, lost, new = map(int, counts)
            found.append(
                Acceptance(date, commit, cells, changed, lost, new, biggest, processor, reason)
            )
        except ValueError as error:
            raise UserError(f"{path}, line {number}: no acceptance ({error})") from error
    return found


def add_acceptance(acceptance: Acceptance, path: Path) -> None:
    """Write one more acceptance behind the others.

    Raises:
        UserError: where the file is damaged.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(field.name for field in fields(Acceptance))
    writer.writerows(astuple(one) for one in [*read_acceptances(path), acceptance])
    with replacing(path) as temporary:
        temporary.write_text(text.getvalue(), "utf-8")
