"""Which models are compatible with which: a dendrogram beside the matrix that it was made from."""

from __future__ import annotations

import textwrap

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from unispace.analysis.structure import INCOMING
from unispace.reporting.figures.drawing import Drawing, Plan, legend_below, nothing, panels, titled
from unispace.reporting.looks import family_looks, short_names
from unispace.reporting.map_structure import (
    COMPATIBILITY,
    first_fitting,
    main_methods,
    matrix_of,
)

COLUMNS = [
    "kind", "fitted_on", "dataset", "method", "protocol", "metric", "source", "target",
    "value", "lower", "upper", "n", "status", "step", "distance", "leaves",
]  # fmt: skip


def draw(tables: list[pd.DataFrame], plan: Plan) -> Drawing:
    """Draw a dendrogram and a heat map in the order of its leaves, for at most two maps."""
    results, linkage = tables
    if linkage.empty:
        return nothing("Fewer than two models have numbers with each other.", COLUMNS)
    linkage = linkage[linkage["metric"] == linkage["metric"].iloc[0]]
    about = first_fitting(linkage, results)
    methods = main_methods(linkage["method"], plan.methods)
    metric, protocol = linkage[["metric", "protocol"]].iloc[0]
    names = short_names(list(plan.families))
    styles = family_looks(plan.families.values())
    cells = {method: matrix_of(about, method, metric, protocol) for method in methods}
    most = max(0.01, *(float(rows["value"].max()) for rows in cells.values()))
    side = 1.5 + 0.33 * len(plan.families)
    figure, axes = panels(2 * len(methods), 2, (max(4.2, side), side), width_ratios=[1, 2.4])
    drawn = []
    for place, method in enumerate(methods):
        steps = linkage[linkage["method"] == method].sort_values("step")
        leaves = list(steps["leaves"].iloc[-1])
        out = _left_out(about, method, metric, protocol)
        tree, matrix = axes[2 * place : 2 * place + 2]
        titled(tree, method, f"average linkage of 1 − {metric}")
        _dendrogram(tree, steps)
        for row, leaf in enumerate(leaves):
            look = styles[plan.families[leaf]]
            tree.plot(0, row, marker=look.marker, color=look.colour, markersize=6, clip_on=False)
        titled(
            matrix, f"{metric}, {about['dataset'].iloc[0]}", f"{protocol}; ceilings on the diagonal"
        )
        _heat(matrix, cells[method], leaves, most)
        labels = [names[leaf] for leaf in leaves]
        matrix.set_xticks(range(len(leaves)), labels, rotation=60, ha="right")
        matrix.set_yticks(range(len(leaves)), labels)
        for ticks in (matrix.get_xticklabels(), matrix.get_yticklabels()):
            for label, leaf in zip(ticks, leaves, strict=True):
                label.set_color(styles[plan.families[leaf]].colour)
        told = [f"left out: {names[model]}, {why}" for model, why in out.items()]
        matrix.set_xlabel(
            "\n".join(
                [
                    "rows: source (probe); columns: target (gallery)",
                    *(textwrap.fill(t, 80) for t in told),
                ]
            )
        )
        drawn += [
            cells[method].assign(kind="pair", method=method),
            steps.assign(
                kind="join", leaves=[", ".join(below) for below in steps["leaves"]], status="ok"
            ),
        ]
    if len(styles) > 1:
        legend_below(
            figure,
            [
                Line2D([], [], color=look.colour, marker=look.marker, linestyle="none", label=name)
                for name, look in styles.items()
            ],
        )
    return Drawing(figure, pd.concat(drawn, ignore_index=True).reindex(columns=COLUMNS))


def _left_out(rows: pd.DataFrame, method: str, metric: str, protocol: str) -> dict[str, str]:
    """Models without a number, each with the reason."""
    told = rows[
        (rows["experiment"] == COMPATIBILITY)
        & (rows["method"] == method)
        & (rows["protocol"] == protocol)
        & (rows["metric"] == f"{metric} {INCOMING}")
        & (rows["status"] != "ok")
    ]
    reasons = told["status"].str.removeprefix("failed: ")
    return dict(zip(told["model"], reasons, strict=True))


def _dendrogram(axes: Axes, steps: pd.DataFrame) -> None:
    """Leaves in the rows of the heat map, the first one above; distance to the left."""
    from scipy.cluster.hierarchy import dendrogram

    tree = dendrogram(
        steps[["left", "right", "distance", "size"]].to_numpy(np.float64), no_plot=True
    )
    for along, across in zip(tree["dcoord"], tree["icoord"], strict=True):
        # Leaves stand at 5, 15, 25, ...
        axes.plot(along, (np.array(across) - 5) / 10, color="#333333", linewidth=1.2)
    count = len(tree["leaves"])
    axes.set_ylim(count - 0.5, -0.5)
    axes.set_xlim(float(steps["distance"].max()) * 1.05, 0)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.set_xlabel("distance")


def _heat(axes: Axes, rows: pd.DataFrame, leaves: list[str], most: float) -> None:
    values = rows.pivot(index="source", columns="target", values="value").astype(float)
    values = values.reindex(index=leaves, columns=leaves)
    axes.imshow(values.to_numpy(), vmin=0, vmax=most, cmap="cividis", aspect="auto")
    for row in rows.to_dict("records"):
        if row["source"] not in leaves or row["target"] not in leaves:
            continue
        ok = row["status"] == "ok"
        axes.text(
            leaves.index(row["target"]), leaves.index(row["source"]),
            f"{row['value']:.2f}".removeprefix("0") if ok else "failed",
            ha="center", va="center", fontsize=6.5,
            fontweight="bold" if row["source"] == row["target"] else "normal",
            color="black" if not ok or row["value"] > 0.55 * most else "white",
        )  # fmt: skip
    axes.tick_params(length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)
