"""Numbers as text, and tidy rows as the tables of the page. Nothing here computes a number."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from unispace.records.results import without_resamples
from unispace.records.rows import rows_of_frame
from unispace.reporting.headline import Measured, headline
from unispace.reporting.looks import in_order, short_names

_DIGITS = 3


@dataclass(frozen=True)
class Cell:
    """One number of a table.

    Attributes:
        value, lower, upper, n: as shown; empty where there is none.
        exact, exact_lower, exact_upper: to sort and copy by; empty where there is none.
        why: why it failed; empty where it did not.
        protocol: how it was taken.
        fixed: why it has no interval, since nothing can be resampled; empty where it has one.
    """

    value: str
    n: str
    lower: str = ""
    upper: str = ""
    exact: str = ""
    exact_lower: str = ""
    exact_upper: str = ""
    why: str = ""
    protocol: str = ""
    fixed: str = ""

    @property
    def interval(self) -> str:
        """The interval in brackets, or why there is none."""
        if self.lower:
            return f"[{self.lower}, {self.upper}]"
        return f"no interval: {self.fixed}" if self.fixed else "no interval"


@dataclass(frozen=True)
class Line:
    """One row of a pivoted table: what it is about, and a cell for each column."""

    heads: tuple[str, ...]
    titles: tuple[str, ...]
    cells: tuple[Cell | None, ...]


@dataclass(frozen=True)
class Pivot:
    """A table with models or maps down and things measured across."""

    heads: tuple[str, ...]
    columns: tuple[Measured, ...]
    lines: tuple[Line, ...]

    @property
    def groups(self) -> list[tuple[str, int]]:
        """Data sets above the columns, each with the number of columns below it."""
        return list(Counter(column.dataset for column in self.columns).items())


def number(value: float) -> str:
    """A number with three decimals; what is not quite 0 or 1 is not shown as if it were.

    Examples:
        >>> number(0.98765), number(1.0), number(0.99999), number(0.00001)
        ('0.988', '1.000', '>0.999', '<0.001')
    """
    shown = f"{value:.{_DIGITS}f}"
    if shown == "1.000" and value < 1:
        return ">0.999"
    if shown in ("0.000", "-0.000") and value != 0:
        return "<0.001" if value > 0 else ">-0.001"
    return shown


def cell(value: float, lower: float, upper: float, n: int, status: str) -> Cell:
    """One number as it is shown."""
    if status != "ok":
        why = status.removeprefix("failed:").strip() or "no reason was recorded"
        return Cell("failed", f"{n:,}", why=why)
    if math.isnan(lower) or math.isnan(upper):
        return Cell(number(value), f"{n:,}", exact=repr(float(value)))
    return Cell(
        number(value),
        f"{n:,}",
        number(lower),
        number(upper),
        *(repr(float(x)) for x in (value, lower, upper)),
    )


def cell_of(row: Mapping[Hashable, Any], fixed: str | None = None) -> Cell:
    """A tidy row as it is shown, with its protocol.

    Args:
        row: of the results.
        fixed: why it has no interval; where not given, `without_resamples` says so.
    """
    if fixed is None:
        fixed = without_resamples(row["unit"], row["metric"])
    lower, upper = (math.nan, math.nan) if fixed else (row["lower"], row["upper"])
    shown = cell(row["value"], lower, upper, int(row["n"]), str(row["status"]))
    return replace(shown, protocol=str(row["protocol"]), fixed=fixed)


def change_of(row: Mapping[Hashable, Any]) -> Cell:
    """A tidy row that is a difference, in points and with its protocol."""
    shown = change_cell(row["value"], row["lower"], row["upper"], int(row["n"]), str(row["status"]))
    return replace(shown, protocol=str(row["protocol"]))


def taken(cells: Iterable[Cell | None]) -> str:
    """By which protocols the numbers of a column were taken, and what lies behind them: for its head."""
    found = [cell for cell in cells if cell and not cell.why]
    if not found:
        return ""
    counts = sorted({int(cell.n.replace(",", "")) for cell in found})
    n = f"{counts[0]:,}" if len(counts) == 1 else f"{counts[0]:,} to {counts[-1]:,}"
    return f"{', '.join(dict.fromkeys(cell.protocol for cell in found))}; n {n}"


def points(change: float) -> str:
    """A difference of two shares in points of a hundred, with its sign.

    Examples:
        >>> points(0.0512), points(-0.1), points(0.0), points(-0.0001)
        ('+5.1', '−10.0', '0.0', '>−0.1')
    """
    shown = f"{abs(change) * 100:.1f}"
    if shown == "0.0":
        return "0.0" if change == 0 else "<0.1" if change > 0 else ">−0.1"
    return f"+{shown}" if change > 0 else f"−{shown}"


def change_cell(value: float, lower: float, upper: float, n: int, status: str) -> Cell:
    """A difference between two models as it is shown, in points."""
    plain = cell(value, lower, upper, n, status)
    if plain.why:
        return plain
    ends = (points(lower), points(upper)) if plain.lower else ("", "")
    return replace(plain, value=points(value), lower=ends[0], upper=ends[1])


def by_model(results: pd.DataFrame, models: Sequence[str], datasets: Sequence[str]) -> Pivot:
    """Headline numbers: a line for each model.

    Raises:
        ValueError: where two rows claim one cell, since one of them would be hidden.
    """
    chosen = results[results["model"].notna() & results["source"].isna()]
    columns = headline(chosen, datasets)
    found = in_order(chosen["model"], models)
    names = short_names(found)
    there = set(columns)
    cells: dict[tuple[str, Measured], Cell] = {}
    for row in rows_of_frame(chosen[chosen["metric"].isin({c.metric for c in columns})]):
        what = Measured(row["dataset"], row["experiment"], row["protocol"], row["metric"])
        if what not in there:
            continue
        if (row["model"], what) in cells:
            raise ValueError(f"two rows for one cell: {row['model']}, {what}")
        cells[row["model"], what] = cell_of(row)
    lines = tuple(Line((names[m],), (m,), tuple(cells.get((m, c)) for c in columns)) for m in found)
    return Pivot(("Model",), tuple(columns), lines)
