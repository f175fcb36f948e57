"""Training: losses, validation and learning rates of every model, step by step."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter

from unispace.reporting.figures.drawing import Drawing, Plan, legend_below, nothing, panels, titled
from unispace.reporting.figures.histories import joined, smoothed
from unispace.reporting.looks import Look, in_order, looks

COLUMNS = ["model", "dataset", "measure", "step", "value", "smoothed"]
_MEASURES = {"loss": "loss", "val_rank-1": "Rank-1 on val"}
_RATE = "learning_rate"
_ACROSS = 4


def draw(tables: list[pd.DataFrame], plan: Plan) -> Drawing:
    """Draw the panels of each backbone: a measure on a data set each, and the learning rates.

    A line is a curriculum (with its seed, where there are several), in one look in all panels. Raw losses are pale,
    with a running median over them.
    """
    history = joined(tables, plan.names)
    history = history[history["measure"].isin([*_MEASURES, _RATE])]
    if history.empty:
        return nothing("No model of this study was trained.", COLUMNS)
    keys = ["model", "dataset", "measure"]
    history = history.sort_values([*keys, "step"], kind="stable", ignore_index=True)
    history["smoothed"] = smoothed(history, keys)
    order = tuple(dict.fromkeys((*plan.models, *plan.names)))
    series = {m: _series(m, order) for m in in_order(history["model"], order)}
    styles = looks(dict.fromkeys(series.values()))
    grid = _grid(history, list(series), plan)
    figure, axes = panels(len(grid), _ACROSS, (2.55, 2.15))
    for panel, place in zip(axes, grid, strict=True):
        if place is None:
            panel.remove()
            continue
        backbone, dataset, measure = place
        rows = history[history["measure"] == measure]
        rows = rows[rows["model"].str.split("/").str[0] == backbone]
        if measure == _RATE:
            rows = rows.drop_duplicates(["model", "step"])
            titled(panel, backbone, "learning rate")
            panel.yaxis.set_major_formatter(FuncFormatter(lambda rate, _: f"{rate:g}"))
        else:
            rows = rows[rows["dataset"] == dataset]
            titled(panel, backbone, f"{_MEASURES[measure]}, {_short(dataset)}")
        for model, line in rows.groupby("model", sort=False):
            _line(panel, line, measure, series[str(model)], styles[series[str(model)]])
        # Losses of some pretrainings are cosines, below zero.
        if not (rows["value"] < 0).any():
            panel.set_ylim(bottom=0)
        panel.grid()
        panel.set_xlabel("step")
    legend_below(
        figure,
        [
            Line2D([], [], color=look.colour, linestyle=look.dashes, label=name)
            for name, look in styles.items()
        ],
    )
    return Drawing(figure, history[COLUMNS])


def _short(dataset: str) -> str:
    """Data sets that are learnt together, as what fits above a panel."""
    first, *others = dataset.split("+")
    return f"{first} and {len(others)} more" if len(others) > 1 else dataset


def _series(model: str, order: tuple[str, ...]) -> str:
    """A curriculum, with the seed where it has several; pretraining is one of them here."""
    _, curriculum, *seed = model.split("/")
    several = len({m.split("/")[2] for m in order if m.count("/") == 2}) > 1
    return f"{curriculum}, {seed[0]}" if seed and several else curriculum


def _grid(
    history: pd.DataFrame, models: list[str], plan: Plan
) -> list[tuple[str, str, str] | None]:
    """Backbone, data set and measure of each panel; None leaves a place empty, so that backbones begin a row."""
    found = set(
        zip(
            history["model"].str.split("/").str[0], history["dataset"], history["measure"],
            strict=True,
        )
    )  # fmt: skip
    datasets = in_order(history["dataset"], plan.datasets)
    grid: list[tuple[str, str, str] | None] = []
    for backbone in dict.fromkeys(model.split("/")[0] for model in models):
        grid += [None] * (-len(grid) % _ACROSS)
        grid += [
            (backbone, dataset, measure)
            for measure in _MEASURES
            for dataset in datasets
            if (backbone, dataset, measure) in found
        ]
        grid.append((backbone, "", _RATE))
    return grid


def _line(axes: Axes, rows: pd.DataFrame, measure: str, name: str, look: Look) -> None:
    if measure == "loss":
        axes.plot(rows["step"], rows["value"], color=look.colour, lw=0.5, alpha=0.22)
    axes.plot(
        rows["step"], rows["smoothed"], color=look.colour, linestyle=look.dashes, lw=1.3, label=name
    )
