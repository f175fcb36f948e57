"""What tuning changed on each task: a heat map for each backbone and reference."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize

from unispace.reporting.figures.drawing import Drawing, Plan, nothing, panels, titled
from unispace.reporting.looks import in_order
from unispace.reporting.numbers import CHANGE
from unispace.reporting.roles import task_metric
from unispace.reporting.tables import points

COLUMNS = [
    "backbone", "curriculum", "seed", "reference", "dataset", "metric",
    "value", "lower", "upper", "n", "unit", "status", "drawn",
]  # fmt: skip
_MAP = "BrBG"
_PALE = "#f4f4f2"


def draw(tables: list[pd.DataFrame], plan: Plan) -> Drawing:
    """Draw a row of two panels for each backbone: changes against base, and against the experts."""
    changes = _changes(tables[0], plan)
    if changes.empty:
        return nothing("No tuned model was compared with its base or an expert.", COLUMNS)
    backbones = list(dict.fromkeys(m.split("/")[0] for m in plan.models))
    backbones = in_order(changes["backbone"], backbones)
    tasks = in_order(changes["dataset"], plan.datasets)
    references = [r for r in ("base", "expert") if (changes["reference"] == r).any()]
    several = changes["seed"].nunique() > 1
    changes["row"] = changes["curriculum"] + (", " + changes["seed"] if several else "")
    orders = {
        b: list(dict.fromkeys(of["row"])) for b, of in changes.groupby("backbone", sort=False)
    }
    told = changes.loc[changes["drawn"], "value"].abs()
    norm = (
        Normalize(-float(told.max() or 1), float(told.max() or 1))
        if len(told)
        else Normalize(-1, 1)
    )
    # A row of panels is as high as its backbone has models.
    heights = [0.95 + 0.36 * len(orders[backbone]) for backbone in backbones]
    figure, axes = panels(
        len(backbones) * len(references), len(references),
        (10.0 / len(references), sum(heights) / len(heights)),
        sharex=True, sharey="row", height_ratios=heights,
    )  # fmt: skip
    grid = [(backbone, reference) for backbone in backbones for reference in references]
    for panel, (backbone, reference) in zip(axes, grid, strict=True):
        name = "the task's expert" if reference == "expert" else plan.base
        titled(panel, backbone, f"change against {name}, in points")
        here = changes[(changes["backbone"] == backbone) & (changes["reference"] == reference)]
        order = orders[backbone]
        _matrix(panel, here, order, tasks, norm)
        metrics = [f"{d}\n{task_metric(plan.domains.get(d, ''))}" for d in tasks]
        panel.set_xticks(range(len(tasks)), metrics)
        panel.set_yticks(range(len(order)), order)
    bar = figure.colorbar(
        ScalarMappable(norm, _MAP), ax=axes, orientation="horizontal", shrink=0.35, aspect=40,
        format=lambda share, _: points(share), pad=0.02,
    )  # fmt: skip
    bar.set_label("points; grey where the 95 % interval holds 0")
    bar.outline.set_visible(False)  # pyright: ignore[reportCallIssue]
    return Drawing(figure, changes[COLUMNS].reset_index(drop=True))


def _changes(results: pd.DataFrame, plan: Plan) -> pd.DataFrame:
    """Changes of the task metric on the tasks, in the order of the study's models."""
    rows = results[(results["experiment"] == CHANGE) & results["dataset"].isin(list(plan.tasks))]
    metrics = {d: task_metric(plan.domains.get(d, "")) for d in plan.tasks}
    rows = rows[
        (rows["metric"] == rows["dataset"].map(metrics)) & ~rows["protocol"].str.contains("/")
    ]
    if rows.empty:
        return pd.DataFrame(columns=COLUMNS)
    ends = rows["model"].str.split("/", expand=True)
    against = rows["source"].str.split("/", expand=True)[1]
    expert = rows["dataset"].map(plan.tasks)
    rows = rows.assign(backbone=ends[0], curriculum=ends[1], seed=ends[2], against=against)
    # A base that is the expert as well, as where nothing is tuned, would stand in one panel only.
    rows["reference"] = against.where(against != expert, "expert").where(
        against != plan.base, "base"
    )
    rows = rows[rows["reference"].isin(["base", "expert"]) & ~rows["curriculum"].isin(plan.aside)]
    place = {model: number for number, model in enumerate(plan.models)}
    rows = rows.assign(place=rows["model"].map(place)).sort_values("place", kind="stable")
    # Two losses on one data set forget nothing of another; a panel for them would be one cell among dashes.
    tasks = rows.groupby("backbone")["dataset"].transform("nunique")
    rows = rows[(tasks > 1) | (tasks.max() == 1)]
    ok = rows["status"] == "ok"
    return rows.assign(drawn=ok & ((rows["lower"] > 0) | (rows["upper"] < 0)))


def _matrix(
    axes: Axes, rows: pd.DataFrame, order: list[str], tasks: list[str], norm: Normalize
) -> None:
    cells = {(row["row"], row["dataset"]): row for row in rows.to_dict("records")}
    colours = ScalarMappable(norm, _MAP)
    for y, name in enumerate(order):
        for x, task in enumerate(tasks):
            row = cells.get((name, task))
            if row is None:
                axes.text(x, y, "–", ha="center", va="center", fontsize=8, color="#999999")
                continue
            strong = row["drawn"] and abs(row["value"]) > 0.6 * float(norm.vmax or 0.0)
            face = colours.to_rgba(row["value"]) if row["drawn"] else _PALE
            axes.fill_between([x - 0.48, x + 0.48], y - 0.46, y + 0.46, color=face, lw=0)
            ink = "white" if strong else "#111111" if row["drawn"] else "#666666"
            if row["status"] != "ok":
                axes.text(
                    x, y, "failed", ha="center", va="center", fontsize=7.5, fontstyle="italic"
                )
                continue
            axes.text(
                x, y - 0.14, points(row["value"]), ha="center", va="center", fontsize=8.5, color=ink,
                fontweight="bold" if row["drawn"] else "normal",
            )  # fmt: skip
            axes.text(
                x, y + 0.24, f"[{points(row['lower'])}, {points(row['upper'])}]",
                ha="center", va="center", fontsize=6, color=ink,
            )  # fmt: skip
    axes.set_xlim(-0.5, len(tasks) - 0.5)
    axes.set_ylim(len(order) - 0.5, -0.5)
    axes.tick_params(length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)
