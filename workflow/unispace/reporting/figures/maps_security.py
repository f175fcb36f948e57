"""Template security: how well two databases are linked after so many leaked pairs."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from unispace.config.methods import BASELINE
from unispace.records.results import LEAKS_SCHEMA
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

COLUMNS = list(LEAKS_SCHEMA.names)
_WORDS = {
    "D_sys": "how much scores tell of mates",
    "Rank-1": "mates found first",
    "AUC": "mates above others",
}
_METRICS = tuple(_WORDS)
_SECRET = (0, (3, 2))


def draw(tables: list[pd.DataFrame], plan: Plan) -> Drawing:
    """Draw a row for each pair: D_sys, Rank-1 and AUC over leaked pairs, solid as they are, dashed rotated in secret."""
    points = pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=COLUMNS)
    if points.empty:
        return nothing("No template security was measured.", COLUMNS)
    titles = pair_titles(points, plan.models)
    looks = method_looks(points["method"], plan.methods)
    figure, axes = panels(len(titles) * len(_METRICS), len(_METRICS), (3.35, 2.5))
    for place, panel in enumerate(axes):
        pair, title = list(titles.items())[place // len(_METRICS)]
        metric = _METRICS[place % len(_METRICS)]
        here = of_pair(points, pair)
        here = here[here["metric"] == metric]
        headed(panel, "" if place % len(_METRICS) else title, metric, _WORDS[metric])
        _draw_panel(panel, here, looks)
        value_axis(panel, here, metric)
        panel.set_xlabel("leaked pairs")
    legend_above(figure, _key(looks))
    return Drawing(figure, points[COLUMNS])


def _draw_panel(axes: Axes, points: pd.DataFrame, looks: dict[str, Look]) -> None:
    curves = points[points["method"] != BASELINE]
    for method in in_order(curves["method"], list(looks)):
        here = curves[curves["method"] == method]
        plain = here[~here["secret"]].sort_values("leaked", kind="stable")
        axes.plot(plain["leaked"], plain["chance"], color=OTHER, lw=0.8, ls=CHANCE)
        draw_line(axes, plain, "leaked", looks[method], method)
        draw_line(
            axes, here[here["secret"]], "leaked", looks[method], f"{method}, secret rotation",
            dashes=_SECRET, band=False,
        )  # fmt: skip
    for row in points[points["method"] == BASELINE].to_dict("records"):
        _before(axes, row["value"], row["lower"], row["upper"], secret=row["secret"])
    draw_dimension(axes, int(points["dimension"].iloc[0]))
    count_axis(axes, 2, float(points["leaked"].max()), zero=True)


def _before(axes: Axes, value: float, lower: float, upper: float, *, secret: bool) -> None:
    """What is linked without a leak; nothing is drawn where that failed, since NaN has no place."""
    axes.vlines(0, lower, upper, color="black", lw=1.1)
    axes.plot(
        0, value, marker="o", ms=4.5, mec="black", mfc="white" if secret else "black", ls="none"
    )


def _key(looks: dict[str, Look]) -> list[Line2D]:
    def mark(label: str, fill: str) -> Line2D:
        return Line2D([], [], color="black", marker="o", ms=4.5, mfc=fill, ls="none", label=label)

    return [
        *(key(name, look) for name, look in looks.items() if name != BASELINE),
        mark("nothing leaked", "black"),
        mark("nothing leaked, secret rotation", "white"),
        Line2D([], [], color="black", label="after a leak"),
        Line2D([], [], color="black", ls=_SECRET, label="after a leak, secret rotation"),
        Line2D([], [], color=OTHER, lw=1, ls=CHANCE, label="chance"),
    ]
