"""The protocols on trial: planted models, of which it is known what a map can find."""

from __future__ import annotations

from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from unispace.reporting.figures.bands import mark
from unispace.reporting.figures.drawing import Drawing, Plan, legend_below, nothing, panels, titled
from unispace.reporting.looks import OTHER, in_order, method_looks
from unispace.reporting.map_rows import PLANTED, protocols_in_order

COLUMNS = [
    "dataset", "protocol", "metric", "source", "target", "method",
    "value", "lower", "upper", "chance", "n", "unit", "status",
]  # fmt: skip
THEORY = "theory"
"""Protocol of the rows that no images were compared for."""
_TITLES = {
    "rotation": ("A rotation apart", "both models see who a person is"),
    "image-only": ("No identity at all", "both models see the image alone"),
}
_METRIC = "Rank-1"
_THEORY_OF = "enrol-one"


def draw(tables: list[pd.DataFrame], plan: Plan) -> Drawing:
    """Draw a panel for each planted world, rows for each protocol of identification and method."""
    rows = tables[0]
    rows = rows[(rows["experiment"] == PLANTED) & (rows["metric"] == _METRIC)]
    if rows.empty:
        return nothing("No planted models were tested.", COLUMNS)
    worlds = in_order(rows["dataset"], tuple(_TITLES))
    protocols = protocols_in_order(set(rows["protocol"]) - {THEORY}, plan.protocols)
    looks = method_looks(rows["method"], plan.methods)
    unit = len(looks) + 1
    height = 1.25 + 0.16 * unit * len(protocols)
    figure, axes = panels(len(worlds), 2, (5.0, height), sharey=True, sharex=True)
    drawn = []
    for panel, world in zip(axes, worlds, strict=True):
        here = rows[rows["dataset"] == world]
        titled(panel, *_TITLES.get(world, (world, "")))
        marked: dict[str, list[tuple[float, dict[Any, Any]]]] = {}
        for number, protocol in enumerate(protocols):
            tested = here[here["protocol"] == protocol]
            top = number * unit
            for chance in set(tested["chance"].dropna()):
                panel.vlines(
                    chance, top + 0.3, top + unit - 0.3, color=OTHER, lw=1.2,
                    linestyles=(0, (1.5, 1.5)),
                )  # fmt: skip
            for row in tested.to_dict("records"):
                place = list(looks).index(row["method"]) + 1
                marked.setdefault(row["method"], []).append((top + place, row))
        for method, placed in marked.items():
            mark(panel, placed, looks[method], method)
        # What theory says is about a gallery of one image of each person.
        if _THEORY_OF in protocols:
            top = protocols.index(_THEORY_OF) * unit
            _theory(panel, here[here["protocol"] == THEORY], list(looks), top)
        else:
            here = here[here["protocol"] != THEORY]
        drawn.append(here[COLUMNS])
        panel.set_yticks([(i + 0.5) * unit for i in range(len(protocols))], protocols)
        panel.set_ylim(len(protocols) * unit, 0)
        panel.set_xlim(-0.02, 1.04)
        panel.set_xlabel(f"{_METRIC}, 95 % interval")
        panel.tick_params(axis="y", length=0)
        panel.grid(axis="x")
    keys = [
        Line2D([], [], color=look.colour, marker=look.marker, label=name)
        for name, look in looks.items()
    ]
    keys.append(_diamond("theory"))
    keys.append(Line2D([], [], color=OTHER, ls=(0, (1.5, 1.5)), label="chance"))
    legend_below(figure, keys)
    return Drawing(figure, pd.concat(drawn, ignore_index=True))


def _theory(axes: Axes, rows: pd.DataFrame, methods: list[str], top: float) -> None:
    for row in rows.to_dict("records"):
        y = top + methods.index(row["method"]) + 1
        axes.plot(row["value"], y, marker="D", ms=9, mfc="none", mec="#111111", mew=1, ls="none")


def _diamond(label: str) -> Line2D:
    return Line2D(
        [], [], marker="D", ms=8, mfc="none", mec="#111111", mew=1, ls="none", label=label
    )
