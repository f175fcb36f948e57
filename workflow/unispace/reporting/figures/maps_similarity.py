"""Do two models find the same images alike? RSA and CKA as the models are, against what a map makes of them."""

from __future__ import annotations

import pandas as pd
from matplotlib.lines import Line2D

from unispace.reporting.figures.drawing import Drawing, Plan, legend_below, nothing, panels, titled
from unispace.reporting.looks import OTHER, Look, family_looks

COLUMNS = [
    "fitted_on", "dataset", "metric", "source", "target", "method",
    "value", "lower", "upper", "chance", "n", "unit", "status",
]  # fmt: skip
# The biased CKA, as published, is in the results.
_TITLES = {"RSA": "RSA", "CKA-debiased": "CKA, debiased"}
_NO_MAP = "baseline"


def draw(tables: list[pd.DataFrame], plan: Plan) -> Drawing:
    """Draw a panel for each measure and map; a point is an ordered pair of models."""
    rows = tables[0][tables[0]["experiment"] == "similarity"]
    if rows.empty:
        return nothing("No two models were compared.", COLUMNS)
    # Tables of other data sets are in the results; the figure is of what was fitted and tested first.
    order = {name: place for place, name in enumerate(plan.datasets)}
    within = rows["fitted_on"] == rows["dataset"]
    rows = rows[within] if within.any() else rows
    first = min(rows["dataset"].unique(), key=lambda name: order.get(name, len(order)))
    rows = rows[rows["dataset"] == first]
    rows = rows[rows["fitted_on"] == rows["fitted_on"].iloc[0]]
    methods = [m for m in plan.methods if m in set(rows["method"].dropna()) - {_NO_MAP}]
    if not methods:
        return nothing("No map was fitted.", COLUMNS)
    families = list(dict.fromkeys(plan.families.values()))
    styles = family_looks(families)
    between = Look("#9a9a9a", "-", ".")
    figure, axes = panels(
        len(_TITLES) * len(methods), len(methods), (2.5, 2.75), sharex="row", sharey="row"
    )
    failed = 0
    for line, (metric, title) in enumerate(_TITLES.items()):
        here = rows[rows["metric"] == metric]
        before = here[here["method"].isna()].set_index(["source", "target"])
        least = float(min(0.0, here["lower"].min()))
        for column, method in enumerate(methods):
            panel = axes[line * len(methods) + column]
            titled(panel, title if column == 0 else "", f"{method}, {first}")
            panel.plot([least, 1], [least, 1], color=OTHER, linewidth=0.8, linestyle=(0, (2, 2)))
            for row in here[here["method"] == method].to_dict("records"):
                was = before.loc[(row["source"], row["target"])]
                if row["status"] != "ok" or was["status"] != "ok":
                    failed += 1
                    continue
                family = [plan.families[row[end]] for end in ("source", "target")]
                look = styles[family[0]] if family[0] == family[1] else between
                panel.vlines(
                    was["value"],
                    row["lower"],
                    row["upper"],
                    color=look.colour,
                    linewidth=0.5,
                    alpha=0.5,
                )
                panel.hlines(
                    row["value"],
                    was["lower"],
                    was["upper"],
                    color=look.colour,
                    linewidth=0.5,
                    alpha=0.5,
                )
                panel.plot(
                    was["value"],
                    row["value"],
                    color=look.colour,
                    marker=look.marker,
                    markersize=4,
                    linestyle="none",
                    zorder=3,
                )
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
        keys.append(
            Line2D(
                [],
                [],
                linestyle="none",
                color=between.colour,
                marker=between.marker,
                label="between families",
            )
        )
    if failed:
        keys.append(Line2D([], [], linestyle="none", label=f"{failed} points failed, in the CSV"))
    legend_below(figure, keys)
    return Drawing(figure, rows[rows["metric"].isin(list(_TITLES))][COLUMNS])
