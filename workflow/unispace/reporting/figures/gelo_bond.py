"""General ability by texts against that by a linear probe: which of the two breaks first."""

from __future__ import annotations

import pandas as pd

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
    Record,
    by_model,
    standing,
    trade_rows,
    tuned_of,
)

COLUMNS = [
    "model", "probe", "probe_lower", "probe_upper", "zero_shot", "zero_shot_lower",
    "zero_shot_upper", "status",
]  # fmt: skip


def draw(tables: list[pd.DataFrame], plan: Plan) -> Drawing:
    """Draw a mark for each tuned model whose general ability was measured both ways."""
    rows = trade_rows(tables[0])
    kinds = standing(rows)
    if len(kinds) < 2:
        return nothing("No model was measured both by texts and by a linear probe.", COLUMNS)
    texts, probes = (by_model(rows, GELO, kinds[k]) for k in ("zero-shot", "linear-probe"))
    models = [m for m in tuned_of(rows, plan.models) if m in texts and m in probes]
    if not models:
        return nothing("No model was measured both by texts and by a linear probe.", COLUMNS)
    marks = Marks(models, plan)
    names = short_names(models)
    figure, (panel,) = panels(1, 1, (6.2, 4.6))
    titled(
        panel, "The bond of image and text", f"{kinds['zero-shot']} over {kinds['linear-probe']}"
    )
    good = [m for m in models if whole(probes[m], texts[m])]
    for model in good:
        marks.put(panel, model, probes[model], texts[model])
    base_mark(panel, 1, 1)
    panel.axline((1, 1), slope=1, color=OTHER, lw=1, ls="--", zorder=0)
    failed_note(panel, [names[m] for m in models if m not in good])
    panel.grid()
    panel.set_xlabel("GELO by a linear probe")
    panel.set_ylabel("GELO by texts (zero-shot)")
    legend_below(figure, [*marks.key(), base_handle()])
    table = [
        {
            "model": model,
            **_ends("probe", probes[model]),
            **_ends("zero_shot", texts[model]),
            "status": next(
                (r["status"] for r in (probes[model], texts[model]) if r["status"] != "ok"), "ok"
            ),
        }
        for model in models
    ]
    return Drawing(figure, pd.DataFrame(table, columns=COLUMNS))


def _ends(name: str, row: Record) -> dict[str, object]:
    return {name: row["value"], f"{name}_lower": row["lower"], f"{name}_upper": row["upper"]}
