"""Two embedding spaces in one picture, before and after a map. They show; they prove nothing."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.lines import Line2D

from unispace.reporting.figures.drawing import Drawing, Plan, legend_below, nothing, panels, titled
from unispace.reporting.looks import MANY_COLOURS, short_names

COLUMNS = [
    "fitted_on", "dataset", "source", "target", "method", "projection", "space", "image_id",
    "identity", "x", "y", "status",
]  # fmt: skip
_ACROSS = 5
_SOURCE: dict[str, Any] = {"marker": "*", "s": 34}
_TARGET: dict[str, Any] = {"marker": "o", "s": 11}


def draw(tables: list[pd.DataFrame], plan: Plan) -> Drawing:
    """Draw a panel for each method; rows of panels are pairs and projections."""
    views = tables[0]
    if views.empty:
        return nothing("No map is shown.", COLUMNS)
    methods = list(dict.fromkeys(views["method"]))
    names = short_names([m for m in plan.models if m in {*views["source"], *views["target"]}])
    rows = list(views.groupby(["source", "target", "projection"], sort=False))
    across = min(_ACROSS, len(methods))
    bands = math.ceil(len(methods) / across)
    figure, axes = panels(len(rows) * bands * across, across, (2.15, 2.3))
    colours = dict(zip(dict.fromkeys(views["identity"]), MANY_COLOURS, strict=False))
    used, last = set(), None
    for line, ((source, target, projection), here) in enumerate(rows):
        for i, method in enumerate(methods):
            panel = axes[line * bands * across + i]
            used.add(panel)
            # Over the first panel stands what all rows down to the next such title are about.
            new = i == 0 and (source, target) != last
            heading = f"{names[str(source)]} → {names[str(target)]}" if new else ""
            titled(panel, heading, f"{method}, {projection}")
            _draw_panel(panel, here[here["method"] == method], colours)
        last = (source, target)
    for panel in axes:
        if panel not in used:
            panel.remove()
    legend_below(
        figure,
        [
            _key("source, after the map", _SOURCE),
            _key("target", _TARGET),
            Line2D([], [], color="#444444", linewidth=0.6, label="the same image"),
        ],
    )
    return Drawing(figure, views[COLUMNS])


def _draw_panel(axes: Axes, points: pd.DataFrame, colours: Mapping[str, str]) -> None:
    # Places of a projection mean something beside each other alone: no numbers on the axes.
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set_visible(True)
        spine.set_color("#cccccc")
    status = points["status"].iloc[0]
    if status != "ok":
        axes.text(
            0.5, 0.5, textwrap.fill(status, 28), transform=axes.transAxes, ha="center", va="center",
            fontsize="small", fontstyle="italic", color="#555555",
        )  # fmt: skip
        return
    ends = {space: here.set_index("image_id") for space, here in points.groupby("space")}
    source, target = ends["source"], ends["target"].reindex(ends["source"].index)
    shades = [colours[name] for name in source["identity"]]
    lines = [
        list(zip(x, y, strict=True))
        for x, y in zip(
            zip(source["x"], target["x"], strict=True),
            zip(source["y"], target["y"], strict=True),
            strict=True,
        )
    ]
    axes.add_collection(LineCollection(lines, colors=shades, linewidths=0.4, alpha=0.35))
    axes.scatter(target["x"], target["y"], c=shades, linewidths=0, alpha=0.85, **_TARGET)
    axes.scatter(source["x"], source["y"], c=shades, linewidths=0.3, edgecolors="white", **_SOURCE)
    axes.set_aspect("equal", adjustable="datalim")


def _key(label: str, look: dict[str, Any]) -> Line2D:
    return Line2D(
        [], [], linestyle="none", color="#444444", label=label, marker=look["marker"],
        markersize=look["s"] ** 0.5,
    )  # fmt: skip
