"""The headline: every model on every data set, as dots with intervals."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from unispace.reporting.figures.drawing import (
    Drawing,
    Plan,
    legend_below,
    nothing,
    panels,
    share_end,
    titled,
)
from unispace.reporting.headline import Measured, false_match_rate, headline, rows_of
from unispace.reporting.looks import (
    DOMAIN_TITLES,
    OTHER,
    Look,
    in_order,
    looks,
    model_looks,
    short_names,
)

COLUMNS = [
    "dataset", "experiment", "protocol", "metric", "model",
    "value", "lower", "upper", "n", "unit", "status",
]  # fmt: skip

# More models than these get one low row each, with the first headline metric alone.
_MANY = 12


def draw(tables: list[pd.DataFrame], plan: Plan) -> Drawing:
    """Draw a panel for each data set, a row in it for each model.

    Of many models, the tasks alone that the study trains on: a panel for each data set would fill several screens.
    """
    results = tables[0][tables[0]["model"].notna() & tables[0]["source"].isna()]
    measured = headline(results, plan.datasets, one_protocol=True)
    if not measured:
        return nothing("No headline number was measured for a single model.", COLUMNS)
    datasets = list(dict.fromkeys(m.dataset for m in measured))
    models = in_order(results["model"], plan.models)
    many = len(models) > _MANY
    names, styles = short_names(models), model_looks(in_order(models, plan.models, whole=True))
    if many:
        datasets = [d for d in datasets if d in plan.tasks] or datasets
        # One mark to a row: rows are too low for more. More curricula than colours: those tell backbones apart.
        measured = [next(m for m in measured if m.dataset == d) for d in datasets]
        of_backbone = looks(dict.fromkeys(model.split("/")[0] for model in models))
        styles = {model: of_backbone[model.split("/")[0]] for model in models}
    row = 0.17 if many else 0.42
    figure, axes = panels(len(datasets), 4, (2.55, 1.45 + row * len(models)), sharey=True)
    drawn = []
    for panel, dataset in zip(axes, datasets, strict=True):
        domain = plan.domains.get(dataset, "")
        titled(panel, dataset, DOMAIN_TITLES.get(domain, domain))
        here = [m for m in measured if m.dataset == dataset]
        for place, what in enumerate(here):
            rows = rows_of(results, what)
            _marks(panel, rows, what, models, styles, place - (len(here) - 1) / 2)
            drawn.append(rows[COLUMNS])
        ends = [rows.loc[rows["status"] == "ok", "upper"].max() for rows in drawn[-len(here) :]]
        end = share_end(float(np.nanmax([0.0, *ends])))
        panel.set_xlim(-0.02 * end, 1.02 * end)
        panel.set_yticks(range(len(models)), [names[m] for m in models])
        panel.set_ylim(len(models) - 0.5, -0.5)
        _apart(panel, models)
        panel.grid(axis="x")
        panel.tick_params(axis="y", length=0)
        panel.set_xlabel("share, 95 % interval")
    legend_below(figure, _key(measured))
    return Drawing(figure, pd.concat(drawn, ignore_index=True))


def _apart(axes: Axes, models: list[str]) -> None:
    """A line between backbones, where there are several."""
    backbones = [model.split("/")[0] for model in models]
    for place, (above, below) in enumerate(itertools.pairwise(backbones)):
        if above != below:
            axes.axhline(place + 0.5, color="#bbbbbb", lw=0.8)


def _marks(
    axes: Axes,
    rows: pd.DataFrame,
    what: Measured,
    models: list[str],
    styles: dict[str, Look],
    place: float,
) -> None:
    """One mark for each model, above or below the middle of its row by `place`."""
    chance = false_match_rate(what.metric)
    for row in rows.to_dict("records"):
        y = models.index(row["model"]) + 0.28 * place
        colour = styles[row["model"]].colour
        if row["status"] != "ok":
            axes.plot(0.015, y, marker="x", color=OTHER, markersize=5, clip_on=False)
            axes.annotate(
                f"{what.metric} failed",
                (0.015, y),
                xytext=(7, 0),
                textcoords="offset points",
                va="center",
                fontsize="small",
                fontstyle="italic",
                color="#555555",
            )
            continue
        axes.hlines(y, row["lower"], row["upper"], color=colour, linewidth=1.6)
        axes.plot(
            row["value"],
            y,
            marker=_marker(what.metric),
            color=colour,
            markerfacecolor=_fill(what.metric, colour),
            markersize=6,
            linestyle="none",
        )
        if chance is not None:
            axes.plot(chance, y, marker="|", color=OTHER, markersize=7, linestyle="none")


def _marker(metric: str) -> str:
    if metric.startswith("DIR@FPIR="):
        return "v"
    return {"top-1": "D", "Rank-1": "o", "accuracy": "^"}.get(metric, "s")


def _fill(metric: str, colour: str) -> str:
    return colour if metric in ("top-1", "Rank-1") else "white"


def _key(measured: list[Measured]) -> list[Line2D]:
    """What the marks mean, in grey since colours are the rows'."""
    keys = [
        Line2D([], [], linestyle="none", marker=_marker(metric), color="#444444", label=metric,
               markerfacecolor=_fill(metric, "#444444"))
        for metric in dict.fromkeys(m.metric for m in measured)
    ]  # fmt: skip
    points = [m.metric for m in measured if false_match_rate(m.metric) is not None]
    if points:
        label = f"{points[0]} by chance"
        keys.append(Line2D([], [], linestyle="none", marker="|", color=OTHER, label=label))
    return keys
