"""Training: what each model's losses did, step by step."""

from __future__ import annotations

import pandas as pd
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter

from unispace.reporting.figures.drawing import Drawing, Plan, legend_below, nothing, panels, titled
from unispace.reporting.looks import DOMAIN_TITLES, in_order, model_looks, short_names

COLUMNS = ["model", "dataset", "step", "loss", "smoothed", "learning_rate"]
_WINDOW = 15


def draw(tables: list[pd.DataFrame], plan: Plan) -> Drawing:
    """Draw a panel for each data set, raw losses pale and a running median over them."""
    parts = [
        _losses(t).assign(model=name)
        for t, name in zip(tables, plan.names, strict=True)
        if (t["measure"] == "loss").any()
    ]
    if not parts:
        return nothing("No model of this study was trained.", COLUMNS)
    history = pd.concat(parts, ignore_index=True).sort_values(["model", "dataset", "step"])
    # A guide to the eye beside the raw values, not a result: it is read nowhere else.
    history["smoothed"] = history.groupby(["model", "dataset"])["loss"].transform(
        lambda loss: (
            loss.rolling(_WINDOW, center=True, min_periods=1).median()
            if len(loss) >= 4 * _WINDOW
            else loss
        )
    )
    order = tuple(dict.fromkeys((*plan.models, *plan.names)))
    models = in_order(history["model"], order)
    names, styles = short_names(models), model_looks(in_order(models, order, whole=True))
    datasets = in_order(history["dataset"], plan.datasets)
    figure, axes = panels(len(datasets) + 1, 3, (3.35, 2.5))
    for panel, dataset in zip(axes, datasets, strict=False):
        domain = plan.domains.get(dataset, "")
        titled(panel, dataset, f"loss, {DOMAIN_TITLES.get(domain, domain)}")
        for model in models:
            rows = history[(history["model"] == model) & (history["dataset"] == dataset)]
            look = styles[model]
            panel.plot(rows["step"], rows["loss"], color=look.colour, lw=0.6, alpha=0.3)
            panel.plot(rows["step"], rows["smoothed"], color=look.colour, linestyle=look.dashes)
        panel.set_ylim(bottom=0)
        panel.grid()
    rates = axes[-1]
    titled(rates, "learning rate", "all data sets of a model share it")
    for model in models:
        rows = history[history["model"] == model].drop_duplicates("step")
        look = styles[model]
        rates.plot(rows["step"], rows["learning_rate"], color=look.colour, linestyle=look.dashes)
    rates.set_ylim(bottom=0)
    rates.yaxis.set_major_formatter(FuncFormatter(lambda rate, _: f"{rate:g}"))
    rates.grid()
    for panel in axes:
        panel.set_xlabel("step")
    handles = [
        Line2D([], [], color=styles[m].colour, linestyle=styles[m].dashes, label=names[m])
        for m in models
    ]
    legend_below(figure, handles)
    return Drawing(figure, history[COLUMNS].reset_index(drop=True))


def _losses(history: pd.DataFrame) -> pd.DataFrame:
    """Loss and learning rate of each step and data set, side by side."""
    wide = history[history["measure"].isin(["loss", "learning_rate"])]
    return wide.pivot(index=["dataset", "step"], columns="measure", values="value").reset_index()
