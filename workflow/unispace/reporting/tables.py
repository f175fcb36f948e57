"""Numbers as text, and tidy rows as the tables of the page. Nothing here computes a number."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

import pandas as pd

from unispace.reporting.headline import Measured, headline, rows_of
from unispace.reporting.looks import in_order, methods_in_order, short_names

_DIGITS = 3


@dataclass(frozen=True)
class Cell:
    """One number of a table.

    Attributes:
        value, lower, upper, n: as shown; empty where there is none.
        exact, exact_lower, exact_upper: to sort and copy by; empty where there is none.
        why: why it failed; empty where it did not.
    """

    value: str
    n: str
    lower: str = ""
    upper: str = ""
    exact: str = ""
    exact_lower: str = ""
    exact_upper: str = ""
    why: str = ""

    @property
    def interval(self) -> str:
        """The interval in brackets."""
        return f"[{self.lower}, {self.upper}]" if self.lower else "no interval"


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


@dataclass(frozen=True)
class Row:
    """One tidy row of the full table, as text."""

    experiment: str
    dataset: str
    about: str
    title: str
    method: str
    fitted_on: str
    protocol: str
    metric: str
    cell: Cell
    chance: str
    exact_chance: str
    n: int
    unit: str
    seed: str
    status: str
    origin: str


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


def all_rows(
    results: pd.DataFrame,
    models: Sequence[str],
    datasets: Sequence[str],
    methods: Sequence[str] = (),
) -> list[Row]:
    """Every tidy row, in the order of the study; `methods` are those of maps."""
    ends = pd.concat([results["model"], results["source"], results["target"]]).dropna()
    order = in_order(ends, models)
    # Families and planted models are called as they are.
    names = {name: name for name in order} | short_names([m for m in order if m in models])
    places = in_order(results["dataset"], datasets)
    methods = methods_in_order(results["method"].dropna(), methods)
    rows = []
    for row in results.to_dict("records"):
        pair = not isinstance(row["model"], str)
        # A change is of a model, against the one that stands as its source.
        against = not pair and isinstance(row["source"], str)
        ends_of = [row["source"], row["target"]] if pair else [row["model"]]
        ends_of += [row["source"]] if against else []
        # What images alone give is of no model.
        ends_of = [end for end in ends_of if isinstance(end, str)]
        between = " − " if against else " → "
        shown = Row(
            experiment=row["experiment"],
            dataset=row["dataset"],
            about=between.join(names.get(end, "?") for end in ends_of),
            title=between.join(str(end) for end in ends_of),
            method=row["method"] if isinstance(row["method"], str) else "",
            fitted_on=row["fitted_on"] if isinstance(row["fitted_on"], str) else "",
            protocol=row["protocol"],
            metric=row["metric"],
            cell=cell(row["value"], row["lower"], row["upper"], row["n"], row["status"]),
            chance="" if math.isnan(row["chance"]) else number(row["chance"]),
            exact_chance="" if math.isnan(row["chance"]) else repr(float(row["chance"])),
            n=row["n"],
            unit=row["unit"],
            seed="" if math.isnan(row["seed"]) else f"{row['seed']:.0f}",
            status=row["status"],
            origin=row["origin"],
        )
        # Single models first; a sort keeps the order of what it finds equal.
        key = (
            places.index(shown.dataset),
            pair,
            against,
            [order.index(end) for end in ends_of if end in names],
            methods.index(shown.method) if shown.method else -1,
        )
        rows.append((key, shown))
    return [row for _, row in sorted(rows, key=lambda item: item[0])]


def by_model(results: pd.DataFrame, models: Sequence[str], datasets: Sequence[str]) -> Pivot:
    """Headline numbers: a line for each model."""
    chosen = results[results["model"].notna() & results["source"].isna()]
    columns = headline(chosen, datasets)
    found = in_order(chosen["model"], models)
    names = short_names(found)
    lines = tuple(
        Line((names[m],), (m,), _cells(chosen[chosen["model"] == m], columns)) for m in found
    )
    return Pivot(("Model",), tuple(columns), lines)


def _cells(rows: pd.DataFrame, columns: Sequence[Measured]) -> tuple[Cell | None, ...]:
    """A cell for each column; None where nothing was measured.

    Raises:
        ValueError: where two rows claim one cell, since one of them would be hidden.
    """
    cells = []
    for column in columns:
        found = rows_of(rows, column)
        if len(found) > 1:
            raise ValueError(f"{len(found)} rows for one cell: {column}")
        if found.empty:
            cells.append(None)
            continue
        row = found.iloc[0]
        cells.append(
            cell(row["value"], row["lower"], row["upper"], int(row["n"]), str(row["status"]))
        )
    return tuple(cells)
