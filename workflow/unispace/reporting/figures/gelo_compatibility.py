"""Is a tuned model that stayed compatible with its base also one that kept its general ability?"""

from __future__ import annotations

from typing import Any

import pandas as pd

from unispace.config.methods import CEILING
from unispace.evaluation.gelo import GELO
from unispace.reporting.figures.drawing import Drawing, Plan, legend_below, nothing, panels, titled
from unispace.reporting.figures.gelo_scatter import Marks, failed_note, whole
from unispace.reporting.looks import OTHER, methods_in_order, short_names
from unispace.reporting.map_rows import rows_of_maps, standing
from unispace.reporting.tradeoff_rows import (
    KINDS,
    by_model,
    trade_rows,
    tuned_of,
)
from unispace.reporting.tradeoff_rows import standing as standing_kinds

COLUMNS = [
    "method", "dataset", "protocol", "metric", "kind", "model", "base",
    "compatibility", "compatibility_lower", "compatibility_upper",
    "gelo", "gelo_lower", "gelo_upper", "status",
]  # fmt: skip
METHODS = ("baseline", "procrustes")
_METRICS = ("Rank-1", "AUC")


def draw(tables: list[pd.DataFrame], plan: Plan) -> Drawing:
    """Draw a panel for each map and each way of measuring general ability, a mark for each tuned model."""
    rows = trade_rows(tables[0])
    pairs = _from_base(tables[0], rows, plan)
    if pairs.empty:
        return nothing("No map leads from a base model to its tuned one.", COLUMNS)
    kinds, models = standing_kinds(rows), tuned_of(rows, plan.models)
    mapped = [m for m in models if m in set(pairs["target"])]
    marks = Marks(mapped, plan)
    names = short_names(mapped)
    methods = [m for m in methods_in_order(pairs["method"], plan.methods) if m != CEILING]
    grid = [(method, kind) for kind in kinds for method in methods]
    figure, axes = panels(len(grid), len(methods), (4.4, 3.4))
    drawn: list[dict[str, Any]] = []
    about = pairs.iloc[0]
    for panel, (method, kind) in zip(axes, grid, strict=True):
        titled(panel, method, KINDS[kind])
        kept = by_model(rows, GELO, kinds[kind])
        broken = []
        for row in pairs[pairs["method"] == method].to_dict("records"):
            model, other = row["target"], kept.get(row["target"])
            if other is None:
                continue
            if whole(row, other):
                marks.put(panel, model, row, other)
            else:
                broken.append(names[model])
            drawn.append(
                {
                    **{k: row[k] for k in ("method", "dataset", "protocol", "metric")},
                    "kind": kind, "model": model, "base": row["source"],
                    "compatibility": row["value"], "compatibility_lower": row["lower"],
                    "compatibility_upper": row["upper"], "gelo": other["value"],
                    "gelo_lower": other["lower"], "gelo_upper": other["upper"],
                    "status": row["status"] if row["status"] != "ok" else other["status"],
                }
            )  # fmt: skip
        failed_note(panel, broken)
        panel.axhline(1, color=OTHER, lw=0.7, zorder=0)
        panel.grid()
        panel.set_xlabel(f"{about['metric']} ({about['protocol']}), base to tuned")
        panel.set_ylabel("GELO")
    legend_below(figure, marks.key())
    return Drawing(figure, pd.DataFrame(drawn, columns=COLUMNS))


def _from_base(results: pd.DataFrame, rows: pd.DataFrame, plan: Plan) -> pd.DataFrame:
    """Rows of maps from the base of a tuned model to it, on the first data set, by the metric that stands."""
    gelo = rows[rows["metric"] == GELO]
    bases = dict(zip(gelo["model"], gelo["source"], strict=True))
    found = rows_of_maps(results)
    found = found[
        found["method"].isin(METHODS)
        & (found["source"] == found["target"].map(bases))
        & found["experiment"].isin(("identification", "verification"))
    ]
    found = found[found["fitted_on"] == found["dataset"]]
    for metric in _METRICS:
        here = standing(found, metric, plan.protocols)
        if len(here):
            return here[here["dataset"] == here["dataset"].iloc[0]]
    return found.iloc[:0]
