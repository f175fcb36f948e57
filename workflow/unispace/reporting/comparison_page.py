"""The page that shows two runs side by side. Nothing here computes a number."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from unispace.evaluation.comparison import (
    BEYOND,
    EQUAL,
    FAIL_BOTH,
    KINDS,
    MOVED,
    by_metric,
    compare_runs,
    only_in_one,
    settings_apart,
)
from unispace.reporting.cards import fingerprint
from unispace.reporting.drift_table import signed
from unispace.reporting.tables import Cell, cell
from unispace.reporting.templating import render_template

# A row takes 0.7 kB, and browsers are slow with tables that are much longer.
_CELLS = 1500
_APART = 500


@dataclass(frozen=True)
class Run:
    """One of the two runs.

    Attributes:
        place: where its results lie, as it was named.
        results: its tidy rows.
        settings: of its study; None where no page lies beside its results.
    """

    place: str
    results: pd.DataFrame
    settings: dict[str, Any] | None

    @property
    def studies(self) -> str:
        """The name of its study."""
        return ", ".join(sorted(set(self.results["study"]))) or "no results"


@dataclass(frozen=True)
class Line:
    """One cell of both runs, as text.

    Attributes:
        experiment, about, title, dataset, protocol, metric: what it is; `title` with the names whole.
        a, b: as found in the runs; None where a run has no such cell.
        change, exact_change: B minus A; empty where there are not two values.
        size, exact_size: in half-widths of the wider interval.
        kind: what is to be said of it.
    """

    experiment: str
    about: str
    dataset: str
    protocol: str
    metric: str
    a: Cell | None
    b: Cell | None
    change: str
    exact_change: str
    size: str
    exact_size: str
    kind: str


def render_comparison(first: Run, second: Run, templates: Path) -> str:
    """Render the page of two runs, A and B, as HTML.

    Args:
        first: run A.
        second: run B.
        templates: folder with comparison.html.j2, page.css, page.js and tables.js.

    Raises:
        UserError: where a template is missing or wrong, or a cell stands twice in a run.
    """
    return render_template(
        templates,
        "comparison.html.j2",
        style="page.css",
        scripts=("page.js", "tables.js"),
        context=_context(first, second),
    )


def _context(first: Run, second: Run) -> dict[str, Any]:
    compared = compare_runs(first.results, second.results)
    counts = {kind: int((compared["kind"] == kind).sum()) for kind in KINDS}
    changed = compared[compared["kind"].isin([MOVED, BEYOND])]
    apart = compared[~compared["kind"].isin([EQUAL, MOVED, BEYOND, FAIL_BOTH])]
    known = first.settings is not None and second.settings is not None
    groups = by_metric(compared)
    return {
        "runs": [("A", first, _hash(first)), ("B", second, _hash(second))],
        "unknown": [name for name, run in (("A", first), ("B", second)) if run.settings is None],
        "settings": settings_apart(first.settings or {}, second.settings or {}) if known else [],
        "counts": counts,
        "cells": len(compared),
        "both": sum(counts[kind] for kind in (EQUAL, MOVED, BEYOND)),
        "groups": [
            {**row, "shown_change": _signed(row["change"]), "shown_size": _size(row["size"])}
            for row in groups[groups[EQUAL] < groups["cells"]].to_dict("records")
        ],
        "same_groups": int((groups[EQUAL] == groups["cells"]).sum()),
        "lines": _lines(changed.head(_CELLS)),
        "changed": len(changed),
        "apart": _lines(apart.head(_APART)),
        "apart_count": len(apart),
        "names": only_in_one(compared),
    }


def _hash(run: Run) -> str:
    """What tells the settings of a run apart; empty where they are not known."""
    return "" if run.settings is None else fingerprint(repr(run.settings))


def _lines(compared: pd.DataFrame) -> Sequence[Line]:
    return [_line(row) for row in compared.to_dict("records")]


def _line(row: dict[Any, Any]) -> Line:
    ends = " → ".join(row[end] for end in ("source", "target") if row[end])
    against = f"{row['model']} − {row['source']}" if row["model"] and row["source"] else ""
    fitted = f"fitted on {row['fitted_on']}" if row["fitted_on"] else ""
    about = (against or row["model"] or ends, row["method"], fitted)
    none = math.isnan(row["change"])
    return Line(
        experiment=row["experiment"],
        about=", ".join(part for part in about if part) or "images alone",
        dataset=row["dataset"],
        protocol=row["protocol"],
        metric=row["metric"],
        a=_side(row, "a"),
        b=_side(row, "b"),
        change="" if none else _signed(row["change"]),
        exact_change="" if none else repr(float(row["change"])),
        size="" if none else _size(row["size"]),
        exact_size="" if none else repr(float(min(row["size"], 1e300))),
        kind=row["kind"],
    )


def _side(row: dict[Any, Any], side: str) -> Cell | None:
    status = row[f"status_{side}"]
    if not isinstance(status, str):
        return None
    value, lower, upper = (float(row[f"{name}_{side}"]) for name in ("value", "lower", "upper"))
    return cell(value, lower, upper, int(row[f"n_{side}"]), status)


def _signed(change: float) -> str:
    return "–" if math.isnan(change) else signed(change)


def _size(size: float) -> str:
    """A change in half-widths of the interval."""
    if math.isnan(size):
        return "–"
    return "no interval" if math.isinf(size) else f"{size:.2f}"
