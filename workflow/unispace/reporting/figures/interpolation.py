"""Between base and tuned weights: what each task gains and loses on the way (WiSE-FT)."""

from __future__ import annotations

import pandas as pd
from matplotlib.lines import Line2D

from unispace.reporting.figures.drawing import Drawing, Plan, legend_below, nothing, panels, titled
from unispace.reporting.headline import headline, rows_of
from unispace.reporting.looks import (
    DOMAIN_COLOURS,
    DOMAIN_MARKERS,
    DOMAIN_TITLES,
    OTHER,
    in_order,
)
from unispace.reporting.roles import task_metric

COLUMNS = [
    "backbone", "seed", "tuned", "share", "model", "dataset", "protocol", "metric",
    "value", "lower", "upper", "n", "unit", "status",
]  # fmt: skip


def draw(tables: list[pd.DataFrame], plan: Plan) -> Drawing:
    """Draw a panel for each tuned model that is interpolated, a line for each task."""
    rows = _rows(tables[0], plan)
    if rows.empty:
        return nothing("No interpolated model was tested on a task.", COLUMNS)
    tasks = in_order(rows["dataset"], plan.datasets)
    grid = list(
        rows[["backbone", "seed", "tuned"]].drop_duplicates().itertuples(index=False, name=None)
    )
    several = rows["seed"].nunique() > 1
    figure, axes = panels(len(grid), 3, (3.35, 2.9), sharex=True, sharey=True)
    for panel, (backbone, seed, tuned) in zip(axes, grid, strict=True):
        titled(panel, backbone, f"base to {tuned}" + (f", {seed}" if several else ""))
        chosen = (rows["backbone"] == backbone) & (rows["seed"] == seed) & (rows["tuned"] == tuned)
        for task in tasks:
            line = rows[chosen & (rows["dataset"] == task)]
            line = line[line["status"] == "ok"]
            domain = plan.domains.get(task, "")
            colour, marker = DOMAIN_COLOURS.get(domain, OTHER), DOMAIN_MARKERS.get(domain, "o")
            panel.plot(line["share"], line["value"], color=colour, marker=marker, label=task)
            panel.fill_between(
                line["share"], line["lower"], line["upper"], color=colour, alpha=0.14, lw=0
            )
        panel.set_xlim(-0.03, 1.03)
        panel.grid()
        panel.set_xlabel("share of the tuned weights")
    for panel in axes[::3]:
        panel.set_ylabel("AUC, or top-1 of objects")
    legend_below(figure, [_handle(task, plan) for task in tasks])
    return Drawing(figure, rows[COLUMNS])


def _rows(results: pd.DataFrame, plan: Plan) -> pd.DataFrame:
    """The task metrics of every point: base at 0, the tuned model at 1, and the models between."""
    single = results[results["model"].notna() & results["source"].isna()]
    measured = [
        what
        for what in headline(single, plan.datasets, ("AUC",), one_protocol=True)
        if what.dataset in plan.tasks
        and what.metric == task_metric(plan.domains.get(what.dataset, ""))
    ]
    ends: dict[str, list[tuple[float, str]]] = {}
    for name, settings in plan.curricula.items():
        if settings.interpolate is not None:
            way = ends.setdefault(settings.interpolate.curriculum, [])
            way.append((settings.interpolate.share, name))
    found = []
    for model in plan.models:
        backbone, tuned, seed = model.split("/")
        # Two ends without a point between them are no curve; the tables have them.
        if not any(f"{backbone}/{name}/{seed}" in plan.models for _, name in ends.get(tuned, ())):
            continue
        for share, curriculum in sorted({(0.0, plan.base), (1.0, tuned), *ends[tuned]}):
            name = f"{backbone}/{curriculum}/{seed}"
            about = {"backbone": backbone, "seed": seed, "tuned": tuned, "share": share}
            for what in measured:
                rows = rows_of(single, what)
                found.append(rows[rows["model"] == name].assign(**about))
    return pd.concat(found, ignore_index=True) if found else pd.DataFrame(columns=COLUMNS)


def _handle(task: str, plan: Plan) -> Line2D:
    domain = plan.domains.get(task, "")
    return Line2D(
        [], [], color=DOMAIN_COLOURS.get(domain, OTHER), marker=DOMAIN_MARKERS.get(domain, "o"),
        label=f"{task} ({DOMAIN_TITLES.get(domain, domain)})",
    )  # fmt: skip
