"""Recognition across models, pair by pair: a matrix of sources and targets, of few pairs dots with intervals."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from unispace.config.methods import CEILING
from unispace.reporting.figures.bands import COLUMNS, draw_bands
from unispace.reporting.figures.drawing import Drawing, Plan, nothing, panels
from unispace.reporting.looks import short_names
from unispace.reporting.map_rows import (
    ends_of,
    grouped,
    headline_metrics,
    pairs_of,
    rows_of_maps,
    rows_tested,
    standing,
    tested_in_order,
)

FEW_PAIRS = 6
"""Ordered pairs up to which each has a place of its own: those of three models."""
_ACROSS = 2
_CELL = 0.37  # inches


def draw(tables: list[pd.DataFrame], plan: Plan) -> Drawing:
    """Draw a matrix for each method of what maps were fitted and tested on; few pairs as bands of dots."""
    rows = rows_of_maps(tables[0])
    rows = rows[rows["metric"].isin(headline_metrics(rows))]
    pairs = pairs_of(rows, grouped(plan.families))
    if not pairs:
        return nothing("No map was tested.", COLUMNS)
    ends = ends_of(rows, grouped(plan.families))
    if len(pairs) <= FEW_PAIRS:
        return draw_bands(rows, plan, pairs, short_names(ends))
    return _matrices(rows, plan, ends)


def _matrices(rows: pd.DataFrame, plan: Plan, ends: Sequence[str]) -> Drawing:
    methods = [m for m in plan.shown if m in set(rows["method"])]
    across = min(_ACROSS, len(methods))
    down = math.ceil(len(methods) / across)
    tests = tested_in_order(rows, plan.datasets)
    names = short_names(ends)
    families = [plan.families.get(end, "") for end in ends]
    label = 0.066 * max(map(len, names.values())) + 0.3
    side = _CELL * len(ends)
    size = (max(side + 0.45, 2.6) + label / across, side + 0.75 + (label + 0.25) / down)
    figure, axes = panels(len(tests) * down * across, across, size)
    drawn = []
    for number, tested in enumerate(tests):
        here = rows_tested(rows, tested)
        here = standing(here, headline_metrics(here)[0], plan.protocols)
        here = here[here["method"].isin([*methods, CEILING])]
        most = float(here.loc[here["status"] == "ok", "value"].max() or 1)
        drawn.append(here[COLUMNS])
        own = axes[number * down * across : (number + 1) * down * across]
        for place, panel in enumerate(own):
            if place >= len(methods):
                panel.remove()
                continue
            _matrix(panel, here, methods[place], ends, most)
            first = f"{here['metric'].iloc[0]}, {here['protocol'].iloc[0]}; {tested.told}"
            _titled(panel, methods[place], first if place == 0 else "" if place < across else None)
            _brackets(panel, families)
            panel.set_xticks(range(len(ends)), [])
            panel.set_yticks(range(len(ends)), [])
            # Names stand at the left and below the lowest of each column.
            if place % across == 0:
                panel.set_yticks(range(len(ends)), [names[e] for e in ends])
                panel.set_ylabel("source (probe)")
            if place + across >= len(methods):
                panel.set_xticks(range(len(ends)), [names[e] for e in ends], rotation=90)
                panel.set_xlabel("target (gallery)")
    return Drawing(figure, pd.concat(drawn, ignore_index=True))


def _titled(axes: Axes, method: str, heading: str | None) -> None:
    """The method above its matrix; above that, once for all methods, what they are about."""
    line = "" if heading is None else " \n"
    title = axes.set_title(
        f"{line}{method}", loc="left", pad=18, fontweight="normal", linespacing=1.6
    )
    if heading:
        size = float(title.get_fontsize())
        # It reaches over the panels beside it, which must not make room for it.
        axes.annotate(
            heading, (0, 1), xytext=(0, 18 + 1.6 * size), xycoords="axes fraction",
            textcoords="offset points", fontsize=size, fontweight="bold",
        ).set_in_layout(False)  # fmt: skip


def _matrix(axes: Axes, rows: pd.DataFrame, method: str, ends: Sequence[str], most: float) -> None:
    """Draw the matrix of a method, with the ceilings on its diagonal; shades run from 0 to `most`."""
    here = rows[rows["method"].isin([method, CEILING])]
    values = here.pivot(index="source", columns="target", values="value")
    values = values.reindex(index=list(ends), columns=list(ends))
    axes.imshow(values.to_numpy(float), vmin=0, vmax=most, cmap="cividis")
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    for row in here.to_dict("records"):
        x, y = ends.index(row["target"]), ends.index(row["source"])
        ok = row["status"] == "ok"
        axes.text(
            x, y, two_digits(row["value"]) if ok else "failed", ha="center", va="center",
            fontsize=7.5 if ok else 5.5, fontstyle="normal" if ok else "italic",
            color="black" if not ok or row["value"] > 0.48 * most else "white",
        )  # fmt: skip
        if row["method"] == CEILING:
            axes.add_patch(
                Rectangle((x - 0.45, y - 0.45), 0.9, 0.9, fill=False, ec="#D55E00", lw=1.4)
            )


def two_digits(value: float) -> str:
    """A share in a narrow cell; what is not quite 0 or 1 is not shown as if it were.

    Examples:
        >>> two_digits(0.876), two_digits(1.0), two_digits(0.999), two_digits(0.001), two_digits(0.0)
        ('.88', '1', '>.99', '<.01', '0')
    """
    shown = f"{value:.2f}"
    if shown == "1.00":
        return "1" if value == 1 else ">.99"
    if shown == "0.00":
        return "0" if value == 0 else "<.01"
    return shown.removeprefix("0")


def _brackets(axes: Axes, families: Sequence[str]) -> None:
    """Families above the columns and right of the rows, and lines between them."""
    runs = [(name, len(list(run))) for name, run in itertools.groupby(families)]
    if len(runs) < 2:
        return
    across, down = axes.get_xaxis_transform(), axes.get_yaxis_transform()
    end = 0
    for name, count in runs:
        start, end = end, end + count
        low, high = start - 0.5 + 0.1, end - 0.5 - 0.1
        axes.plot([low, high], [1.02, 1.02], transform=across, color="#555555", lw=1, clip_on=False)
        axes.plot([1.02, 1.02], [low, high], transform=down, color="#555555", lw=1, clip_on=False)
        about = {"textcoords": "offset points", "fontsize": 7.5}
        axes.annotate(name, ((low + high) / 2, 1.02), xytext=(0, 2.5), xycoords=across,
                      ha="center", **about)  # fmt: skip
        axes.annotate(name, (1.02, (low + high) / 2), xytext=(3, 0), xycoords=down,
                      va="center", rotation=270, **about)  # fmt: skip
        if end < len(families):
            axes.axhline(end - 0.5, color="white", lw=2.5)
            axes.axvline(end - 0.5, color="white", lw=2.5)
