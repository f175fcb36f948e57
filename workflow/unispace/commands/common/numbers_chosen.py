"""A number of the tidy results by what it is of, and the file that it was first written to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from unispace.errors import UserError, did_you_mean
from unispace.records.results import SCHEMA
from unispace.records.snakemake_metadata import read_metadata
from unispace.records.tables import read_table

_SHOWN = 8
# What tells two numbers apart.
_NAMING = (
    *("experiment", "model", "source", "target", "method", "fitted_on"),
    *("dataset", "protocol", "metric"),
)


@dataclass(frozen=True)
class Numbers:
    """Rows of the tidy results.

    Attributes:
        rows: with the columns of results.parquet.
        files: the files they were first written to.
    """

    rows: pd.DataFrame
    files: tuple[str, ...]

    def text(self) -> str:
        """The numbers with interval, n and what they are of, a line each."""
        lines = []
        for _, row in self.rows.head(_SHOWN).iterrows():
            of = " ".join(str(row[c]) for c in _NAMING if pd.notna(row[c]))
            value = (
                f"{row['value']:.6g} [{row['lower']:.6g}, {row['upper']:.6g}]"
                if row["status"] == "ok"
                else row["status"]
            )
            lines.append(f"{of}: {value}, n {row['n']} ({row['unit']})")
        more = len(self.rows) - _SHOWN
        return "\n".join([*lines, *([f"and {more} more numbers"] if more > 0 else []), "", ""])


def chosen_numbers(root: Path, study: str, chosen: Mapping[str, str]) -> Numbers:
    """The rows that were chosen, and where they come from.

    Args:
        root: the folder that Snakemake runs in.
        study: name of the study.
        chosen: values by column.

    Raises:
        UserError: where the results are not here, or no row is of these values: the nearest values are named.
    """
    collected = f"results/{study}/results.parquet"
    if not (root / collected).is_file():
        raise UserError(
            f"{collected}: not here; run snakemake, or get it with `unispace pull` where it was published"
        )
    rows = read_table(root / collected, SCHEMA)
    for column, value in chosen.items():
        left = rows[rows[column] == value]
        if left.empty:
            known = sorted(rows[column].dropna().unique())
            raise UserError(
                f"no number with {column} `{value}` among those chosen so far; {did_you_mean(value, known)}"
            )
        rows = left
    record = read_metadata(root, collected)
    parts = [path for path in (record or {}).get("input", ()) if "/metrics/" in path]
    origins = set(rows["origin"])
    files = [
        path for path in parts if (root / path).is_file() and _holds(root / path, rows, origins)
    ]
    return Numbers(rows, tuple(files) or (collected,))


def _holds(file: Path, rows: pd.DataFrame, origins: set[str]) -> bool:
    """Whether one of the rows stands in a file."""
    there = read_table(file, SCHEMA)
    there = there[there["origin"].isin(origins)]
    naming = list(_NAMING)
    return not there.empty and not there[naming].merge(rows[naming], on=naming).empty
