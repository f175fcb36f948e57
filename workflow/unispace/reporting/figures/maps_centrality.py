"""How good each model is as a target and as a source, and how much the two directions of a pair differ."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from unispace.analysis.structure import INCOMING, OUTGOING
from unispace.config.methods import CEILING
from unispace.reporting.figures.drawing import Drawing, Plan, legend_below, nothing, panels, titled
from unispace.reporting.looks import OTHER, Look, family_looks, short_names
from unispace.reporting.map_structure import (
    COMPATIBILITY,
    by_family,
    main_methods,
    matrix_of,
)

COLUMNS = [
    "kind", "fitted_on", "dataset", "method", "protocol", "metric", "model", "source", "target",
    "value", "lower", "upper", "n", "unit", "status", "gap",
]  # fmt: skip
_ENDS = {INCOMING: ("o", 0.18), OUTGOING: ("s", -0.18)}


def draw(tables: list[pd.DataFrame], plan: Plan) -> Drawing:
    """Draw for at most two maps a panel of models, and one of pairs by the gap of their dimensions."""
    results, pairs = tables
    central = results[
        (results["experiment"] == COMPATIBILITY)
        & results["model"].notna()
        & results["method"].notna()
    ]
    if central.empty:
        return nothing("No model was compared with others.", COLUMNS)
    # Rows of several data sets stand in the results; the pairs are of the first.
    told = pairs if len(pairs) else central
    fitted_on, dataset = told[["fitted_on", "dataset"]].iloc[0]
    about = results[(results["fitted_on"] == fitted_on) & (results["dataset"] == dataset)]
    central = central.loc[central.index.intersection(about.index)]
    metric = (
        str(central["metric"].iloc[0]).removesuffix(f" {INCOMING}").removesuffix(f" {OUTGOING}")
    )
    central = central[central["metric"].isin([f"{metric} {end}" for end in _ENDS])]
    protocol = central["protocol"].iloc[0]
    ceilings = matrix_of(about, CEILING, metric, protocol)
    methods = main_methods(central["method"], plan.methods)
    models, names = by_family(plan.families, plan.families), short_names(list(plan.families))
    styles = family_looks(plan.families.values())
    height = 1.4 + 0.3 * len(models)
    figure, axes = panels(2 * len(methods), 2, (4.6, max(2.9, height)))
    drawn = [ceilings.assign(kind="ceiling")]
    for place, method in enumerate(methods):
        left, right = axes[2 * place : 2 * place + 2]
        here = central[central["method"] == method]
        titled(left, f"Each model with all others, {method}", f"{metric}, {protocol}, {dataset}")
        for row in here.to_dict("records"):
            end = str(row["metric"]).removeprefix(f"{metric} ")
            _mark(left, row, models.index(row["model"]), end, styles[plan.families[row["model"]]])
        for row in ceilings.to_dict("records"):
            if row["status"] == "ok":
                y = models.index(row["source"])
                left.plot(
                    row["value"], y, marker="|", color=OTHER, markersize=13, markeredgewidth=1.6
                )
        left.set_yticks(range(len(models)), [names[m] for m in models])
        for label, model in zip(left.get_yticklabels(), models, strict=True):
            label.set_color(styles[plan.families[model]].colour)
        left.set_ylim(len(models) - 0.5, -0.5)
        left.set_xlim(left=min(0.0, left.get_xlim()[0]))
        left.tick_params(axis="y", length=0)
        left.grid(axis="x")
        both = pairs[(pairs["method"] == method) & (pairs["metric"] == metric)]
        _asymmetry(right, both)
        drawn += [here.assign(kind="model"), _as_rows(both)]
    keys = [
        Line2D([], [], linestyle="none", color="#444444", marker="o", label="as target (incoming)"),
        Line2D([], [], linestyle="none", color="#444444", marker="s", markerfacecolor="white", label="as source (outgoing)"),
        Line2D([], [], linestyle="none", color=OTHER, marker="|", markersize=13, markeredgewidth=1.6, label="ceiling: with itself"),
        Line2D([], [], linestyle="none", color="#0072B2", marker="o", label="directions differ (95 %)"),
        Line2D([], [], linestyle="none", color="#0072B2", marker="o", markerfacecolor="white", label="may be noise"),
    ]  # fmt: skip
    legend_below(figure, keys)
    return Drawing(figure, pd.concat(drawn, ignore_index=True).reindex(columns=COLUMNS))


def _mark(axes: Axes, row: dict[Any, Any], y: float, end: str, look: Look) -> None:
    marker, shift = _ENDS[end]
    if row["status"] != "ok":
        axes.plot(0.0, y, marker="x", color=OTHER, markersize=5)
        axes.annotate(
            "left out", (0.0, y), xytext=(7, 0), textcoords="offset points", va="center",
            fontsize="small", fontstyle="italic", color="#555555",
        )  # fmt: skip
        return
    y -= shift
    axes.hlines(y, row["lower"], row["upper"], color=look.colour, linewidth=1.3)
    axes.plot(
        row["value"], y, color=look.colour, marker=marker, linestyle="none",
        markerfacecolor=look.colour if end == INCOMING else "white",
    )  # fmt: skip


def _asymmetry(axes: Axes, pairs: pd.DataFrame) -> None:
    """Pairs by the gap of their dimensions; where all have one gap, by their asymmetry."""
    uneven = pairs["gap"].nunique() > 1
    pairs = pairs.sort_values("asymmetry")
    x = pairs["gap"].to_numpy() if uneven else np.arange(1, len(pairs) + 1)
    sure = ((pairs["lower"] > 0) | (pairs["upper"] < 0)).to_numpy()
    for chosen, face in ((~sure, "white"), (sure, "#0072B2")):
        axes.plot(
            x[chosen], pairs["asymmetry"].to_numpy()[chosen], linestyle="none", marker="o",
            color="#0072B2", markerfacecolor=face, markersize=4.5,
        )  # fmt: skip
    titled(axes, "Difference of the two directions", "absolute value, each pair of models once")
    gap = f"gap of dimensions: {pairs['gap'].iloc[0]} in all pairs" if len(pairs) else ""
    axes.set_xlabel(
        "gap of the dimensions of the two spaces" if uneven else f"pairs in order ({gap})"
    )
    axes.set_ylim(bottom=0)
    axes.grid(axis="y")


def _as_rows(pairs: pd.DataFrame) -> pd.DataFrame:
    """Differences with the columns of tidy rows."""
    return pairs.assign(kind="difference", value=pairs["difference"], status="ok").rename(
        columns={"first": "source", "second": "target"}
    )
