"""Data efficiency: what maps reach that were fitted on few identities or few images."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from unispace.config.methods import BASELINE, CEILING
from unispace.records.results import EFFICIENCY_SCHEMA
from unispace.reporting.figures.drawing import Drawing, Plan, legend_above, nothing, panels
from unispace.reporting.figures.seed_curves import (
    CHANCE,
    count_axis,
    draw_dimension,
    draw_line,
    headed,
    key,
    of_pair,
    pair_titles,
    value_axis,
)
from unispace.reporting.looks import OTHER, Look, in_order, method_looks
from unispace.reporting.map_rows import standing

COLUMNS = list(EFFICIENCY_SCHEMA.names)
_METRICS = ("Rank-1", "AUC")
_FLAT = (BASELINE, CEILING)
"""What does not depend on how much is fitted on."""


def draw(tables: list[pd.DataFrame], plan: Plan) -> Drawing:
    """Draw a row for each pair: Rank-1 and AUC over training identities, then over training images."""
    points = pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=COLUMNS)
    curves = points[~points["method"].isin(_FLAT)]
    if curves.empty:
        return nothing("No data efficiency was measured.", COLUMNS)
    across = [
        (by, metric)
        for by in ("identities", "images")
        if by in set(curves["by"])
        for metric in _METRICS
    ]
    titles = pair_titles(curves, plan.models)
    looks = method_looks(points["method"], plan.methods)
    figure, axes = panels(len(titles) * len(across), len(across), (2.55, 2.35))
    for place, panel in enumerate(axes):
        pair, title = list(titles.items())[place // len(across)]
        by, metric = across[place % len(across)]
        here = of_pair(points, pair)
        here = standing(here, metric, plan.protocols)
        protocol = str(here["protocol"].iloc[0])
        headed(panel, "" if place % len(across) else title, metric, protocol)
        _draw_panel(panel, here, by, looks)
        value_axis(panel, here, metric)
        panel.set_xlabel(f"training {by}")
    legend_above(figure, _key(looks))
    return Drawing(figure, points[COLUMNS])


def _draw_panel(axes: Axes, points: pd.DataFrame, by: str, looks: dict[str, Look]) -> None:
    curves = points[(points["by"] == by) & ~points["method"].isin(_FLAT)]
    for chance in points["chance"].dropna().unique()[:1]:
        axes.axhline(chance, color=OTHER, lw=1, ls=CHANCE)
    for method in _FLAT:
        for row in points[(points["method"] == method)].to_dict("records"):
            if row["status"] == "ok":
                axes.axhspan(
                    row["lower"], row["upper"], color=looks[method].colour, alpha=0.1, lw=0
                )
                axes.axhline(row["value"], color=looks[method].colour, lw=1.3)
    for method in in_order(curves["method"], list(looks)):
        draw_line(axes, curves[curves["method"] == method], "size", looks[method], method)
    if by == "images":
        draw_dimension(axes, int(points["dimension"].iloc[0]))
        count_axis(axes, float(curves["size"].min()), float(curves["size"].max()))
    else:
        axes.set_xlim(0, 1.04 * float(curves["size"].max()))


def _key(looks: dict[str, Look]) -> list[Line2D]:
    words = {BASELINE: "baseline: nothing fitted", CEILING: "ceiling: the target itself"}
    keys = [key(words.get(name, name), look) for name, look in looks.items()]
    return [*keys, Line2D([], [], color=OTHER, lw=1, ls=CHANCE, label="chance")]
