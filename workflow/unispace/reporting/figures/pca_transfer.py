"""PCA transfer: what the first components of one task carry of another, and how many of them it takes."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, NullLocator, ScalarFormatter

from unispace.reporting.figures.drawing import Drawing, Plan, legend_below, nothing, panels, titled
from unispace.reporting.looks import OTHER, Look, in_order, model_looks, short_names

Record = Mapping[Hashable, Any]

COLUMNS = [
    "model", "basis", "source", "target", "centring", "components", "removed", "metric",
    "value", "lower", "upper", "chance", "kept", "kept_lower", "kept_upper",
    "gain", "gain_lower", "gain_upper", "n", "unit", "status",
]  # fmt: skip
NUMBERS = [
    "model", "source", "target", "centring", "metric", "measure", "share",
    "components", "lower", "upper", "dimension", "status",
]  # fmt: skip
_TICKS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)
_ENOUGH, _FEW = 0.95, 100
_RANDOM, _UNRELATED = (0, (1, 1)), (0, (4, 2))
_CONTROLS = {"random": "random subspace", "unrelated": "components of unrelated images"}


def draw(tables: list[pd.DataFrame], plan: Plan) -> Drawing:
    """Draw a grid, sources down and targets across: the share of the gain over chance by number of components.

    Lines are models; controls are grey. Centring is by the source's mean, that of random subspaces by the target's.
    """
    curves = pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=COLUMNS)
    shown = curves[
        curves["basis"].isin(["components", "unrelated", "random"])
        & ((curves["centring"] == "source") | (curves["basis"] == "random"))
    ]
    own = shown[shown["basis"] == "components"]
    if own.empty:
        return nothing("No transfer of principal components was measured.", COLUMNS)
    models = in_order(own["model"], plan.models)
    names, styles = short_names(models), model_looks(in_order(models, plan.models, whole=True))
    sources = in_order(own["source"].dropna(), plan.datasets)
    targets = in_order(own["target"], plan.datasets)
    figure, axes = panels(
        len(sources) * len(targets), len(targets), (2.45, 1.95), sharex=True, sharey=True
    )
    for place, panel in enumerate(axes):
        source, target = sources[place // len(targets)], targets[place % len(targets)]
        here = shown[(shown["target"] == target) & (shown["status"] == "ok")]
        for basis, dashes in (("random", _RANDOM), ("unrelated", _UNRELATED)):
            for model, line in here[here["basis"] == basis].groupby("model", sort=False):
                name = f"{_CONTROLS[basis]}, {names[str(model)]}"
                _line(panel, line, Look(OTHER, dashes, ""), 0.8, name)
        mine = here[(here["basis"] == "components") & (here["source"] == source)]
        for model in models:
            _line(panel, mine[mine["model"] == model], styles[model], 1.3, names[model])
        if mine.empty:
            panel.text(
                0.5, 0.5, "nothing above chance", transform=panel.transAxes, ha="center",
                fontsize="small", fontstyle="italic", color="#555555",
            )  # fmt: skip
        metric = str(own.loc[own["target"] == target, "metric"].iloc[0])
        titled(panel, f"{source} → {target}", f"{metric} of {target}")
        _frame(panel, float(own["components"].max()))
    for panel in axes[:: len(targets)]:
        panel.set_ylabel("share of gain kept")
    for panel in axes[-len(targets) :]:
        panel.set_xlabel("components of the source")
    keys = [_handle(names[m], styles[m]) for m in models]
    for basis, dashes in (("random", _RANDOM), ("unrelated", _UNRELATED)):
        if (shown["basis"] == basis).any():
            keys.append(_handle(_CONTROLS[basis], Look(OTHER, dashes, "")))
    legend_below(figure, keys)
    return Drawing(figure, curves[COLUMNS])


def draw_components(tables: list[pd.DataFrame], plan: Plan) -> Drawing:
    """Draw a table for each model, sources down and targets across: components that keep 95 % and 99 %."""
    numbers = pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()
    if numbers.empty:
        return nothing("No transfer of principal components was measured.", NUMBERS)
    numbers = numbers[numbers["basis"] == "components"]
    shown = numbers[(numbers["centring"] == "source") & (numbers["measure"] == "gain")]
    models = in_order(shown["model"], plan.models)
    names = short_names(models)
    sources = in_order(shown["source"].dropna(), plan.datasets)
    targets = in_order(shown["target"], plan.datasets)
    size = (1.1 + 0.78 * len(targets), 0.75 + 0.44 * len(sources))
    figure, axes = panels(len(models), 3, size)
    for place, (panel, model) in enumerate(zip(axes, models, strict=True)):
        here = shown[shown["model"] == model]
        titled(panel, names[model], f"of {int(here['dimension'].max())} dimensions")
        panel.imshow(_shades(here, sources, targets), cmap="Blues", vmin=0, vmax=1.6, aspect="auto")
        for row in here[here["share"] == _ENOUGH].to_dict("records"):
            more = here[(here["source"] == row["source"]) & (here["target"] == row["target"])
                        & (here["share"] > _ENOUGH)].to_dict("records")  # fmt: skip
            x, y = targets.index(row["target"]), sources.index(row["source"])
            _cell(panel, x, y, row, more)
        panel.set_xticks(range(len(targets)), targets, rotation=20, ha="right")
        panel.set_yticks(range(len(sources)), sources if place % 3 == 0 else [""] * len(sources))
        panel.tick_params(length=0)
        for spine in panel.spines.values():
            spine.set_visible(False)
    return Drawing(figure, numbers[NUMBERS])


def _line(axes: Axes, line: pd.DataFrame, look: Look, width: float, name: str) -> None:
    line = line.sort_values("components", kind="stable")
    axes.plot(
        line["components"], line["gain"], color=look.colour, ls=look.dashes, lw=width, label=name
    )


def _frame(axes: Axes, last: float) -> None:
    axes.axhline(_ENOUGH, color="#999999", linewidth=0.7)
    if last > _FEW:
        axes.axvline(_FEW, color="#999999", linewidth=0.7)
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(FixedLocator([k for k in _TICKS if k <= last]))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(ScalarFormatter())
    axes.set_xlim(0.9, last * 1.1)
    axes.set_ylim(-0.1, 1.25)
    axes.set_yticks([0, 0.5, 1])
    axes.grid()


def _shades(here: pd.DataFrame, sources: list[str], targets: list[str]) -> np.ndarray:
    """Share of the dimensions that 95 % take, `(sources, targets)`, on a log scale; NaN where that failed."""
    shade = np.full((len(sources), len(targets)), np.nan)
    for row in here[here["share"] == _ENOUGH].to_dict("records"):
        place = sources.index(row["source"]), targets.index(row["target"])
        if row["status"] == "ok":
            shade[place] = np.log(row["components"] + 1) / np.log(row["dimension"] + 1)
    return shade


def _cell(axes: Axes, x: int, y: int, row: Record, more: list[Record]) -> None:
    """The two numbers; of the first its interval too."""
    if row["status"] != "ok":
        axes.text(x, y, "no gain", ha="center", va="center", fontsize="small", fontstyle="italic",
                  color="#555555")  # fmt: skip
        return
    rest = f" | {more[0]['components']:.0f}" if more and more[0]["status"] == "ok" else ""
    axes.text(x, y - 0.13, f"{row['components']:.0f}{rest}", ha="center", va="center")
    axes.text(x, y + 0.24, f"[{row['lower']:.0f}, {row['upper']:.0f}]", ha="center", va="center",
              fontsize="x-small", color="#333333")  # fmt: skip


def _handle(name: str, look: Look) -> Line2D:
    return Line2D([], [], color=look.colour, linestyle=look.dashes, label=name)
