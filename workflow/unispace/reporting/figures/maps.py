"""Recognition across models: every ordered pair by every method."""

from __future__ import annotations

from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from unispace.reporting.figures.drawing import Drawing, Plan, legend_below, nothing, panels, titled
from unispace.reporting.headline import Measured, rows_of
from unispace.reporting.looks import OTHER, Look, in_order, looks, methods_in_order, short_names

COLUMNS = [
    "dataset", "experiment", "protocol", "metric", "source", "target", "method",
    "value", "lower", "upper", "n", "unit", "status",
]  # fmt: skip
_METRICS = ("Rank-1", "AUC")
# More pairs make a list that nobody reads: then they are a matrix, and intervals are in the CSV.
_MANY_PAIRS = 20


def draw(tables: list[pd.DataFrame], plan: Plan) -> Drawing:
    """Draw a panel for each data set and metric; rows are pairs, marks are methods."""
    results = tables[0][tables[0]["method"].notna()]
    measured = _measured(results, plan)
    if not measured:
        return nothing("No map was tested.", COLUMNS)
    table = pd.concat([rows_of(results, what)[COLUMNS] for what in measured], ignore_index=True)
    ends = in_order({*results["source"], *results["target"]}, plan.models)
    pairs = [
        (source, target)
        for source in ends
        for target in ends
        if ((results["source"] == source) & (results["target"] == target)).any()
    ]
    if len(pairs) > _MANY_PAIRS:
        return Drawing(_matrices(results, measured, ends), table)
    return Drawing(_dots(results, measured, pairs, short_names(ends)), table)


def _measured(results: pd.DataFrame, plan: Plan) -> list[Measured]:
    found = []
    for dataset in in_order(results["dataset"], plan.datasets):
        for metric in _METRICS:
            rows = results[(results["dataset"] == dataset) & (results["metric"] == metric)]
            taken = rows[["experiment", "protocol"]].drop_duplicates()
            for experiment, protocol in sorted(taken.itertuples(index=False, name=None)):
                found.append(Measured(dataset, experiment, protocol, metric))
    return found


def _dots(
    results: pd.DataFrame,
    measured: list[Measured],
    pairs: list[tuple[str, str]],
    names: dict[str, str],
) -> Figure:
    methods = methods_in_order(results["method"])
    styles = looks(methods)
    height = 1.3 + len(pairs) * (0.3 + 0.16 * len(methods))
    figure, axes = panels(len(measured), 2, (4.6, height), sharey=True, sharex="col")
    for panel, what in zip(axes, measured, strict=True):
        titled(panel, f"{what.metric}, {what.dataset}", what.protocol)
        for row in rows_of(results, what).to_dict("records"):
            place = methods.index(row["method"]) - (len(methods) - 1) / 2
            y = pairs.index((row["source"], row["target"])) + place * 0.7 / len(methods)
            _mark(panel, row, y, styles[row["method"]])
        if what.metric == "AUC":
            panel.axvline(0.5, color=OTHER, linewidth=1, linestyle=(0, (2, 2)))
            panel.annotate(
                "chance", (0.5, 1), xycoords=("data", "axes fraction"), xytext=(3, -9),
                textcoords="offset points", fontsize="small", color="#555555",
            )  # fmt: skip
        panel.set_xlim(-0.02, 1.02)
        panel.set_yticks(range(len(pairs)), [f"{names[s]} → {names[t]}" for s, t in pairs])
        panel.set_ylim(len(pairs) - 0.5, -0.5)
        panel.tick_params(axis="y", length=0)
        panel.grid(axis="x")
    handles = [
        Line2D([], [], color=look.colour, marker=look.marker, linestyle="none", label=method)
        for method, look in styles.items()
    ]
    legend_below(figure, handles)
    return figure


def _mark(axes: Axes, row: dict[Any, Any], y: float, look: Look) -> None:
    if row["status"] != "ok":
        axes.plot(0.015, y, marker="x", color=OTHER, markersize=5)
        axes.annotate(
            f"{row['method']} failed", (0.015, y), xytext=(7, 0), textcoords="offset points",
            va="center", fontsize="small", fontstyle="italic", color="#555555",
        )  # fmt: skip
        return
    axes.hlines(y, row["lower"], row["upper"], color=look.colour, linewidth=1.5)
    axes.plot(row["value"], y, color=look.colour, marker=look.marker, linestyle="none")


def _matrices(results: pd.DataFrame, measured: list[Measured], ends: list[str]) -> Figure:
    """Source by target, a panel for each method."""
    methods = methods_in_order(results["method"])
    names = short_names(ends)
    side = 1.6 + 0.34 * len(ends)
    grid = [(what, method) for what in measured for method in methods]
    figure, axes = panels(len(grid), 2, (side + 0.8, side), sharex=True, sharey=True)
    for panel, (what, method) in zip(axes, grid, strict=True):
        titled(panel, method, f"{what.metric}, {what.dataset}, {what.protocol}")
        rows = rows_of(results, what)
        rows = rows[rows["method"] == method]
        values = rows.pivot(index="source", columns="target", values="value")
        values = values.reindex(index=ends, columns=ends)
        panel.imshow(values.to_numpy(float), vmin=0, vmax=1, cmap="cividis")
        for row in rows.to_dict("records"):
            ok = row["status"] == "ok"
            panel.text(
                ends.index(row["target"]), ends.index(row["source"]),
                f"{row['value']:.2f}" if ok else "failed", ha="center", va="center", fontsize=6,
                color="black" if not ok or row["value"] > 0.55 else "white",
            )  # fmt: skip
        panel.set_xticks(range(len(ends)), [names[e] for e in ends], rotation=60, ha="right")
        panel.set_yticks(range(len(ends)), [names[e] for e in ends])
        panel.set_xlabel("target (gallery)")
        panel.set_ylabel("source (probe)")
    return figure
