"""What tuning cost on each general set: accuracy of the base minus that of each model, with paired intervals."""

from __future__ import annotations

import pandas as pd
from matplotlib.lines import Line2D

from unispace.evaluation.gelo import DROP, GENERAL
from unispace.reporting.figures.drawing import Drawing, Plan, legend_above, nothing, panels, titled
from unispace.reporting.looks import OTHER, in_order
from unispace.reporting.tradeoff_rows import (
    KINDS,
    backbones_in_order,
    curriculum_colours,
    standing,
    trade_rows,
    tuned_of,
)

COLUMNS = [
    "kind", "protocol", "backbone", "dataset", "model", "value", "lower", "upper", "n", "unit", "status",
]  # fmt: skip
_STEP = 0.085  # inches between the dots of a set
_LEAST = 0.3  # inches of a band, for the name of its set
_ACROSS = 2


def draw(tables: list[pd.DataFrame], plan: Plan) -> Drawing:
    """Draw a panel for each backbone and way of measuring, a band for each set, a dot for each tuned model."""
    rows = trade_rows(tables[0])
    models, kinds = tuned_of(rows, plan.models), standing(rows)
    rows = rows[(rows["metric"] == DROP) & (rows["dataset"] != GENERAL)]
    if not models or rows.empty:
        return nothing("No tuned model was compared with its base on general sets.", COLUMNS)
    sets = in_order(rows["dataset"], plan.datasets)
    backbones = backbones_in_order(models, [members for _, members in plan.sizes])
    every = curriculum_colours((*plan.models, *models), plan.base)
    shown = {m.split("/")[1] for m in models}
    colours = {name: colour for name, colour in every.items() if name in shown}
    grid = [
        (backbone, kind, here)
        for backbone in backbones
        for kind, protocol in kinds.items()
        for here in [rows[rows["protocol"] == protocol]]
        if here["model"].str.startswith(f"{backbone}/").any()
    ]
    members = {b: [m for m in models if m.split("/")[0] == b] for b in backbones}
    counts = [len(members[backbone]) for backbone, *_ in grid]
    # Bands are as high as the models of a row of panels need.
    bands = [
        max(_LEAST, 0.16 + _STEP * max(counts[i : i + _ACROSS]))
        for i in range(0, len(counts), _ACROSS)
    ]
    heights = {"height_ratios": [0.95 + band * len(sets) for band in bands]}
    figure, axes = panels(len(grid), _ACROSS, (4.9, 0), sharex=True, gridspec_kw=heights)
    drawn = []
    for number, (panel, (backbone, kind, here)) in enumerate(zip(axes, grid, strict=True)):
        band = bands[number // _ACROSS]
        titled(panel, backbone, KINDS[kind])
        mine = members[backbone]
        for row in here[here["model"].isin(mine)].to_dict("records"):
            place = mine.index(row["model"]) - (len(mine) - 1) / 2
            y = sets.index(row["dataset"]) + place * _STEP / band
            colour = colours[row["model"].split("/")[1]]
            drawn.append({"kind": kind, "backbone": backbone, **row})
            if row["status"] != "ok":
                panel.plot(
                    0.985, y, marker="x", color=colour, markersize=4, linestyle="none",
                    transform=panel.get_yaxis_transform(),
                )  # fmt: skip
                continue
            panel.hlines(y, 100 * row["lower"], 100 * row["upper"], color=colour, linewidth=1)
            panel.plot(100 * row["value"], y, marker="o", color=colour, markersize=3.5)
        panel.set_yticks(range(len(sets)), sets)
        panel.set_ylim(len(sets) - 0.5, -0.5)
        for place in range(len(sets) - 1):
            panel.axhline(place + 0.5, color="#dddddd", lw=0.7)
        panel.axvline(0, color="#444444", lw=0.9)
        panel.grid(axis="x")
        panel.tick_params(axis="y", length=0)
        panel.set_xlabel("points lost, 95 % interval")
    key = [
        Line2D([], [], color=colour, marker="o", markersize=4, label=name)
        for name, colour in colours.items()
    ]
    if any(row["status"] != "ok" for row in drawn):
        key.append(Line2D([], [], color=OTHER, marker="x", linestyle="none", label="failed"))
    legend_above(figure, key)
    return Drawing(figure, pd.DataFrame(drawn, columns=COLUMNS))
