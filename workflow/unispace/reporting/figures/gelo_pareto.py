"""What tuning gained in a biometric task against the general ability it kept, and what is beaten in neither."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from unispace.evaluation.gelo import GELO
from unispace.reporting.figures.drawing import Drawing, Plan, legend_below, nothing, panels, titled
from unispace.reporting.figures.gelo_scatter import (
    Marks,
    base_handle,
    base_mark,
    failed_note,
    whole,
)
from unispace.reporting.looks import OTHER, short_names
from unispace.reporting.tradeoff_rows import (
    KINDS,
    Record,
    by_model,
    gains_of,
    standing,
    trade_rows,
    tuned_for,
    tuned_of,
)

COLUMNS = [
    "task", "dataset", "metric", "kind", "protocol", "model", "trained_for_it", "front",
    "gain", "gain_lower", "gain_upper", "gelo", "gelo_lower", "gelo_upper", "status",
]  # fmt: skip


def draw(tables: list[pd.DataFrame], plan: Plan) -> Drawing:
    """Draw a panel for each task and each way of measuring general ability, a mark for each tuned model."""
    rows = trade_rows(tables[0])
    models, kinds = tuned_of(rows, plan.models), standing(rows)
    if not models or not plan.gains:
        return nothing("No model has both a gain and a GELO.", COLUMNS)
    marks, names = Marks(models, plan), short_names(models)
    grid = [(gain, kind) for gain in plan.gains for kind in kinds]
    figure, axes = panels(len(grid), len(kinds), (4.6 if len(kinds) > 1 else 6.2, 3.5))
    drawn = []
    for panel, (gain, kind) in zip(axes, grid, strict=True):
        titled(panel, f"{gain.task} against general ability", f"{KINDS[kind]}; {gain.dataset}")
        gained, kept = gains_of(rows, gain), by_model(rows, GELO, kinds[kind])
        placed = {m: (gained[m], kept[m]) for m in models if m in gained and m in kept}
        good = {m: ends for m, ends in placed.items() if whole(*ends)}
        points = {m: (float(x["value"]), float(y["value"])) for m, (x, y) in good.items()}
        # The base gains nothing and keeps all: what is worse than that is beaten too.
        front = pareto_front(points | {_BASE: (0.0, 1.0)})
        for model, (x, y) in placed.items():
            own = tuned_for(plan.curricula, model.split("/")[1], gain.dataset, plan.domains)
            if model in good:
                marks.put(panel, model, x, y, filled=own)
            drawn.append(
                {
                    "task": gain.task, "dataset": gain.dataset, "metric": gain.metric, "kind": kind,
                    "protocol": kinds[kind], "model": model, "trained_for_it": own,
                    "front": model in front, "status": _status(x, y),
                    **{f"gain{k}": x[v] for k, v in _ENDS.items()},
                    **{f"gelo{k}": y[v] for k, v in _ENDS.items()},
                }
            )  # fmt: skip
        _front(panel, [(points | {_BASE: (0.0, 1.0)})[m] for m in front])
        base_mark(panel, 0, 1)
        failed_note(panel, [names[m] for m in placed if m not in good])
        panel.axhline(1, color=OTHER, lw=0.7, zorder=0)
        panel.axvline(0, color=OTHER, lw=0.7, zorder=0)
        panel.grid()
        what = gain.metric if gain.rising else f"fall of {gain.metric}"
        panel.set_xlabel(f"gain: {what} ({gain.protocol})")
        panel.set_ylabel("GELO")
    more = [
        base_handle(),
        Line2D([], [], linestyle="none", marker="o", color="#555555", markerfacecolor="white",
               label="hollow: not tuned for this task"),
        Line2D([], [], color=OTHER, linestyle="--", label="beaten in neither"),
    ]  # fmt: skip
    legend_below(figure, [*marks.key(), *more])
    return Drawing(figure, pd.DataFrame(drawn, columns=COLUMNS))


_BASE = "base"
_ENDS = {"": "value", "_lower": "lower", "_upper": "upper"}


def pareto_front(points: dict[str, tuple[float, float]]) -> list[str]:
    """Names of the points that no other one exceeds in one coordinate and reaches in the other, by rising x."""
    kept = [
        name
        for name, (x, y) in points.items()
        if not any(a >= x and b >= y and (a > x or b > y) for a, b in points.values())
    ]
    return sorted(kept, key=lambda name: points[name])


def _front(axes: Axes, points: list[tuple[float, float]]) -> None:
    """The front as a staircase: what is below and left of it is beaten."""
    if len(points) < 2:
        return
    axes.step(
        [x for x, _ in points],
        [y for _, y in points],
        where="pre",
        color=OTHER,
        linestyle="--",
        linewidth=1.2,
        zorder=1,
    )


def _status(*rows: Record) -> str:
    return next((str(row["status"]) for row in rows if row["status"] != "ok"), "ok")
