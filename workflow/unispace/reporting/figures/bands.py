"""Dots with intervals in bands: a band for each source and target, in it a low row for each method."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from unispace.config.methods import CEILING
from unispace.reporting.figures.drawing import (
    Drawing,
    Plan,
    legend_above,
    panels,
    share_end,
    titled,
)
from unispace.reporting.looks import OTHER, Look, method_looks, methods_in_order
from unispace.reporting.map_rows import (
    headline_metrics,
    rows_tested,
    standing,
    tested_in_order,
)

COLUMNS = [
    "fitted_on", "dataset", "experiment", "protocol", "metric", "source", "target", "method",
    "value", "lower", "upper", "chance", "n", "unit", "status",
]  # fmt: skip
_ACROSS = 3
_HIGH = 0.115  # inches of a row
_WIDE = 3.5  # inches of a panel
_SHADE = "#f4f4f0"

_Row = Mapping[Hashable, Any]


def draw_bands(
    rows: pd.DataFrame, plan: Plan, bands: Sequence[tuple[str, str]], names: Mapping[str, str]
) -> Drawing:
    """Draw a panel for each metric of what maps were fitted and tested on.

    Args:
        rows: tidy rows of maps.
        plan: orders methods, data sets and protocols.
        bands: source and target of each band, from above.
        names: of the ends, as shown.
    """
    methods = [m for m in methods_in_order(rows["method"], plan.methods) if m != CEILING]
    grid = [
        (t, metric)
        for t in tested_in_order(rows, plan.datasets)
        for metric in headline_metrics(rows)
    ]
    unit = len(methods) + 1
    height = 0.95 + _HIGH * unit * len(bands)
    figure, axes = panels(len(grid), _ACROSS, (_WIDE, height), sharey=True, sharex="col")
    looks, drawn = method_looks(rows["method"], plan.methods), []
    shown = [standing(rows_tested(rows, t), metric, plan.protocols) for t, metric in grid]
    across = min(_ACROSS, len(grid))
    for number, (panel, (tested, metric), here) in enumerate(zip(axes, grid, shown, strict=True)):
        drawn.append(here[COLUMNS])
        protocol = f", {here['protocol'].iloc[0]}" if len(here) else ""
        titled(panel, f"{metric}{protocol}", tested.told)
        if here.empty:
            panel.annotate("not measured", (0.5, 0.5), xycoords="axes fraction", ha="center")
        _bands(panel, here, bands, methods, looks)
        # Panels of a column share their axis.
        end = share_end(highest(shown[number % across :: across]))
        panel.set_xlim(-0.02 * end, 1.02 * end)
        panel.set_ylim(len(bands) * unit, 0)
        middles = [(number + 0.5) * unit for number in range(len(bands))]
        panel.set_yticks(middles, [f"{names[s]} → {names[t]}" for s, t in bands])
        panel.tick_params(axis="y", length=0)
        panel.tick_params(labelbottom=True)
        panel.grid(axis="x")
    legend_above(figure, _key(methods, looks, CEILING in set(rows["method"])))
    return Drawing(figure, pd.concat(drawn, ignore_index=True))


def highest(tables: Iterable[pd.DataFrame]) -> float:
    """The highest value, end of an interval or level of chance of rows that did not fail; 0 where there are none."""
    found = pd.concat([t.loc[t["status"] == "ok", ["value", "upper", "chance"]] for t in tables])
    return float(np.nanmax([0.0, *found.to_numpy(float).ravel()]))


def _bands(
    axes: Axes,
    rows: pd.DataFrame,
    bands: Sequence[tuple[str, str]],
    methods: Sequence[str],
    looks: Mapping[str, Look],
) -> None:
    unit = len(methods) + 1
    found = {(r["source"], r["target"], r["method"]): r for r in rows.to_dict("records")}
    marked: dict[str, list[tuple[float, _Row]]] = {method: [] for method in methods}
    for number, (source, target) in enumerate(bands):
        top = number * unit
        if number % 2 == 0:
            axes.axhspan(top, top + unit, color=_SHADE, lw=0, zorder=0)
        here = [found.get((source, target, method)) for method in methods]
        for chance in {r["chance"] for r in here if r is not None and r["chance"] >= 0}:
            axes.vlines(chance, top, top + unit, color=OTHER, lw=1, linestyles=(0, (1.5, 1.5)))
        ceiling = found.get((target, target, CEILING))
        if ceiling is not None and ceiling["status"] == "ok":
            axes.vlines(ceiling["value"], top + 0.15, top + unit - 0.15, color=OTHER, lw=2.2)
        for place, (method, row) in enumerate(zip(methods, here, strict=True)):
            if row is not None:
                marked[method].append((top + place + 1, row))
    for method, placed in marked.items():
        mark(axes, placed, looks[method], method)


def mark(axes: Axes, placed: Sequence[tuple[float, _Row]], look: Look, name: str) -> None:
    """The values of a method with their intervals; what failed is said at the left and not drawn as a number.

    All at once: a line and a dot for each takes four times as long.
    """
    for y, row in placed:
        if row["status"] != "ok":
            axes.plot(0.012, y, marker="x", color=OTHER, markersize=4)
            axes.annotate(
                f"{name} failed", (0.012, y), xytext=(5, 0), textcoords="offset points",
                va="center", fontsize=6.5, fontstyle="italic", color="#555555",
            )  # fmt: skip
    fine = [(y, row) for y, row in placed if row["status"] == "ok"]
    if not fine:
        return
    lines = [y for y, _ in fine]
    lower, upper, value = ([row[k] for _, row in fine] for k in ("lower", "upper", "value"))
    axes.hlines(lines, lower, upper, color=look.colour, linewidth=1.3)
    axes.plot(value, lines, color=look.colour, marker=look.marker, linestyle="none", markersize=4.2)


def _key(methods: Sequence[str], looks: Mapping[str, Look], ceiling: bool) -> list[Line2D]:
    keys = [
        Line2D([], [], color=looks[m].colour, marker=looks[m].marker, lw=1.3, label=m)
        for m in methods
    ]
    if ceiling:
        keys.append(
            Line2D([], [], color=OTHER, marker="|", ms=9, mew=2.2, ls="none",
                   label="ceiling")
        )  # fmt: skip
    keys.append(Line2D([], [], color=OTHER, lw=1, ls=(0, (1.5, 1.5)), label="chance"))
    return keys
