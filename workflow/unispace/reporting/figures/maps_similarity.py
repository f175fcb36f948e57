"""Do two models find the same images alike? RSA and CKA as the models are, against what a map makes of them."""

from __future__ import annotations

from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from unispace.config.methods import BASELINE
from unispace.reporting.figures.drawing import Drawing, Plan, legend_below, nothing, panels, titled
from unispace.reporting.looks import OTHER, Look, family_looks
from unispace.reporting.map_rows import rows_tested, tested_in_order

COLUMNS = [
    "fitted_on", "dataset", "metric", "source", "target", "method",
    "value", "lower", "upper", "chance", "n", "unit", "status",
]  # fmt: skip
# The biased CKA, as published, is in the results.
_TITLES = {"RSA": "RSA", "CKA-debiased": "CKA, debiased"}


def draw(tables: list[pd.DataFrame], plan: Plan) -> Drawing:
    """Draw a panel for each measure and map; a point is an ordered pair of models."""
    rows = tables[0][tables[0]["experiment"] == "similarity"]
    if rows.empty:
        return nothing("No two models were compared.", COLUMNS)
    # Numbers of other data sets are in the results.
    tested = tested_in_order(rows, plan.datasets)[0]
    rows = rows_tested(rows, tested)
    methods = [m for m in plan.methods if m in set(rows["method"].dropna()) - {BASELINE}]
    if not methods:
        return nothing("No map was fitted.", COLUMNS)
    families = list(dict.fromkeys(plan.families.values()))
    styles = family_looks(families)
    between = Look("#9a9a9a", "-", ".")
    figure, axes = panels(len(_TITLES) * len(methods), len(methods), (2.9, 3.1))
    failed = 0
    for line, (metric, title) in enumerate(_TITLES.items()):
        here = rows[rows["metric"] == metric]
        least = float(min(0.0, here["lower"].min()))
        for column, method in enumerate(methods):
            panel = axes[line * len(methods) + column]
            titled(panel, title if column == 0 else "", f"{method}, {tested.title}")
            panel.plot([least, 1], [least, 1], color=OTHER, linewidth=0.8, linestyle=(0, (2, 2)))
            both = here[here["method"] == method].merge(
                here[here["method"].isna()], on=["source", "target"], suffixes=("", "_before")
            )
            ok = (both["status"] == "ok") & (both["status_before"] == "ok")
            failed += int((~ok).sum())
            ends = [both[end].map(plan.families) for end in ("source", "target")]
            kind = ends[0].where(ends[0] == ends[1], "")
            for family in ("", *families):
                look = styles[family] if family else between
                _points(panel, both[ok & (kind == family)], look)
            for axis in (panel.xaxis, panel.yaxis):
                axis.set_ticks([0, 0.25, 0.5, 0.75, 1])
            panel.set_xlim(least - 0.02, 1.02)
            panel.set_ylim(least - 0.02, 1.02)
            panel.set_aspect("equal")
            panel.grid()
            if line == len(_TITLES) - 1:
                panel.set_xlabel("models as they are")
            if column == 0:
                panel.set_ylabel("after the map")
    keys = [
        Line2D([], [], linestyle="none", color=styles[f].colour, marker=styles[f].marker, label=f"within {f}")
        for f in families
        if list(plan.families.values()).count(f) > 1
    ]  # fmt: skip
    if len(families) > 1:
        keys.append(Line2D([], [], linestyle="none", color=between.colour, marker=between.marker, label="between families"))  # fmt: skip
    if failed:
        keys.append(Line2D([], [], linestyle="none", label=f"{failed} points failed, in the CSV"))
    legend_below(figure, keys)
    return Drawing(figure, rows[rows["metric"].isin(list(_TITLES))][COLUMNS])


def _points(axes: Axes, pairs: pd.DataFrame, look: Look) -> None:
    """Pairs of models with their intervals before (across) and after (up)."""
    x, y = pairs["value_before"], pairs["value"]
    thin: dict[str, Any] = {"color": look.colour, "linewidth": 0.5, "alpha": 0.5}
    axes.vlines(x, pairs["lower"], pairs["upper"], **thin)
    axes.hlines(y, pairs["lower_before"], pairs["upper_before"], **thin)
    axes.plot(x, y, color=look.colour, marker=look.marker, markersize=4, linestyle="none", zorder=3)
