"""Whether the gradients of two data sets pull the same way, over the steps of a training."""

from __future__ import annotations

import pandas as pd
from matplotlib.lines import Line2D

from unispace.reporting.figures.drawing import Drawing, Plan, legend_below, nothing, panels, titled
from unispace.reporting.figures.histories import joined, smoothed
from unispace.reporting.looks import OTHER, in_order, looks

COLUMNS = ["model", "dataset", "other", "step", "value", "smoothed"]
_ACROSS = 3


def draw(tables: list[pd.DataFrame], plan: Plan) -> Drawing:
    """Draw a panel for each model, a line for each pair of data sets."""
    history = joined(tables, plan.names)
    history = history[history["measure"] == "conflict"]
    if history.empty:
        return nothing(
            "No training recorded the gradients of two data sets apart; set conflict_every.",
            COLUMNS,
        )
    places = in_order({*history["dataset"], *history["other"]}, plan.datasets)
    # One pair, one line: which of the two was named first says nothing.
    swap = history["dataset"].map(places.index) > history["other"].map(places.index)
    first, second = (
        history["dataset"].where(~swap, history["other"]),
        history["other"].where(~swap, history["dataset"]),
    )
    history = history.assign(dataset=first, other=second)
    keys = ["model", "dataset", "other"]
    history = history.sort_values([*keys, "step"], kind="stable", ignore_index=True)
    history["smoothed"] = smoothed(history, keys)
    models = in_order(history["model"], plan.models)
    pairs = [
        (a, b)
        for a in places
        for b in places
        if ((history["dataset"] == a) & (history["other"] == b)).any()
    ]
    styles = looks([f"{a} and {b}" for a, b in pairs])
    figure, axes = panels(len(models), _ACROSS, (3.35, 1.95), sharey=True)
    for panel, model in zip(axes, models, strict=True):
        backbone, curriculum, *seed = model.split("/")
        titled(panel, curriculum, ", ".join((backbone, *seed)))
        here = history[history["model"] == model]
        panel.axhline(0, color=OTHER, lw=1)
        for (a, b), look in zip(pairs, styles.values(), strict=True):
            line = here[(here["dataset"] == a) & (here["other"] == b)]
            panel.plot(line["step"], line["value"], color=look.colour, lw=0.5, alpha=0.18)
            panel.plot(
                line["step"], line["smoothed"], color=look.colour, linestyle=look.dashes, lw=1.4,
                label=f"{a} and {b}",
            )  # fmt: skip
        panel.grid()
        panel.set_xlabel("step")
    # Cosines live in [-1, 1], of which trainings use a small part.
    most = float(history["value"].abs().max())
    axes[0].set_ylim(-min(1.0, 1.05 * most), min(1.0, 1.05 * most))
    for panel in axes[::_ACROSS]:
        panel.set_ylabel("cosine of gradients")
    legend_below(
        figure,
        [
            Line2D([], [], color=look.colour, linestyle=look.dashes, label=name)
            for name, look in styles.items()
        ],
    )
    return Drawing(figure, history[COLUMNS])
