"""Separability: how well a linear classifier tells the domains apart, beside its controls."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from unispace.reporting.figures.drawing import Drawing, Plan, legend_below, nothing, panels, titled
from unispace.reporting.looks import DOMAIN_TITLES, OTHER, Look, in_order, model_looks, short_names

COLUMNS = [
    "dataset", "protocol", "metric", "model",
    "value", "lower", "upper", "chance", "n", "unit", "status",
]  # fmt: skip
_MARKERS = {"linear": "o", "linear/matched": "s", "linear/shuffled": "X"}
_TITLES = {
    "linear": "embedding",
    "linear/matched": "embedding, image statistics matched",
    "linear/shuffled": "embedding, domains shuffled",
    "statistics": "image statistics alone",
    "statistics/matched": "image statistics alone, matched",
}
# Above or below the middle of a row.
_PLACES = {
    "linear": -0.24,
    "linear/matched": 0.0,
    "linear/shuffled": 0.24,
    "statistics": -0.15,
    "statistics/matched": 0.15,
}
_ALONE = "no model"


def draw(tables: list[pd.DataFrame], plan: Plan) -> Drawing:
    """Draw a panel for the accuracy and one for each pair of domains; a row for each model, and one without."""
    results = tables[0][tables[0]["experiment"] == "separability"]
    metrics = [m for m in results["metric"].unique() if m == "accuracy" or m.startswith("AUC ")]
    if not metrics:
        return nothing("No separability was measured.", COLUMNS)
    models = in_order(results["model"].dropna(), plan.models)
    names, styles = short_names(models), model_looks(in_order(models, plan.models, whole=True))
    rows = [*models, _ALONE]
    figure, axes = panels(len(metrics), 4, (2.6, 1.25 + 0.34 * len(rows)), sharex=True, sharey=True)
    drawn = []
    for panel, metric in zip(axes, metrics, strict=True):
        here = results[results["metric"] == metric]
        titled(panel, *_title(metric, len(here["dataset"].iloc[0].split("+"))))
        for row in here.to_dict("records"):
            own = isinstance(row["model"], str)
            y = rows.index(row["model"] if own else _ALONE)
            _mark(panel, row, y, styles[row["model"]] if own else Look(OTHER, "-", "D"))
        panel.axvline(here["chance"].iloc[0], color=OTHER, linewidth=1, linestyle=(0, (2, 2)))
        panel.set_xlim(-0.02, 1.02)
        panel.set_yticks(range(len(rows)), [names.get(m, m) for m in rows])
        panel.set_ylim(len(rows) - 0.5, -0.5)
        panel.grid(axis="x")
        panel.tick_params(axis="y", length=0)
        panel.set_xlabel("share, 95 % interval")
        drawn.append(here[COLUMNS])
    present = [p for p in _TITLES if (results["protocol"] == p).any()]
    keys = [*(_key(protocol) for protocol in present), _chance()]
    if (pd.concat(drawn)["status"] != "ok").any():
        keys.append(
            Line2D([], [], linestyle="none", marker="x", color=OTHER, markersize=4, label="failed")
        )
    legend_below(figure, keys)
    return Drawing(figure, pd.concat(drawn, ignore_index=True))


def _title(metric: str, many: int) -> tuple[str, str]:
    if metric == "accuracy":
        return "All domains", f"accuracy, {many} data sets"
    first, second = metric.removeprefix("AUC ").split("|")
    short = {"face_hq": "good faces", "face_lq": "bad faces"}
    titles = [short.get(d, DOMAIN_TITLES.get(d, d)) for d in (first, second)]
    return f"{titles[0]} or {titles[1]}", "AUC"


def _mark(axes: Axes, row: Mapping[Hashable, Any], y: int, look: Look) -> None:
    height = y + _PLACES[row["protocol"]]
    if row["status"] != "ok":
        axes.plot(0.015, height, marker="x", color=OTHER, markersize=4, clip_on=False)
        return
    matched = row["protocol"].endswith("/matched")
    marker = _MARKERS.get(row["protocol"], "D")
    axes.hlines(height, row["lower"], row["upper"], color=look.colour, linewidth=1.3)
    axes.plot(
        row["value"], height, marker=marker, color=look.colour, markersize=5, linestyle="none",
        markerfacecolor="white" if matched else look.colour,
    )  # fmt: skip


def _key(protocol: str) -> Line2D:
    """What a mark means, in grey since colours are the models'."""
    return Line2D(
        [], [], linestyle="none", marker=_MARKERS.get(protocol, "D"), color="#444444",
        markerfacecolor="white" if protocol.endswith("/matched") else "#444444",
        label=_TITLES[protocol],
    )  # fmt: skip


def _chance() -> Line2D:
    return Line2D([], [], color=OTHER, linewidth=1, linestyle=(0, (2, 2)), label="chance")
