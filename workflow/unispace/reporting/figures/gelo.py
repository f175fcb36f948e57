"""F-GELO: what share of its general ability each model kept, by texts and by a linear probe."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Patch

from unispace.evaluation.gelo import GELO
from unispace.records.published import GENERAL
from unispace.reporting.figures.drawing import Drawing, Plan, legend_below, nothing, panels, titled
from unispace.reporting.looks import OTHER, in_order
from unispace.reporting.tradeoff_rows import (
    KIND_COLOURS,
    KINDS,
    Record,
    backbones_in_order,
    by_model,
    standing,
    trade_rows,
    tuned_of,
)

COLUMNS = [
    "kind", "model", "protocol", "metric", "value", "lower", "upper", "n", "unit", "status",
]  # fmt: skip
_PUBLISHED = "published"
_HEIGHT = 0.4  # of the bars of one kind, in rows
_ROW = 0.36  # inches
_ACROSS = 3


def draw(tables: list[pd.DataFrame], plan: Plan) -> Drawing:
    """Draw a panel for each backbone, in it a row for each tuned model, and one for published values."""
    rows = trade_rows(tables[0])
    models = tuned_of(rows, plan.models)
    if not models:
        return nothing("No tuned model was compared with its base on general sets.", COLUMNS)
    found = {kind: by_model(rows, GELO, protocol) for kind, protocol in standing(rows).items()}
    backbones = backbones_in_order(models, [members for _, members in plan.sizes])
    groups = {b: [m for m in models if m.split("/")[0] == b] for b in backbones}
    named = _published(plan.published)
    systems = list(dict.fromkeys(name for _, name in named))
    counts = [*map(len, groups.values()), *([len(systems)] if systems else [])]
    # A row of panels is as high as the longest of them needs.
    highest = [max(counts[i : i + _ACROSS]) for i in range(0, len(counts), _ACROSS)]
    heights = {"height_ratios": [1.15 + _ROW * most for most in highest]}
    figure, axes = panels(len(counts), _ACROSS, (3.4, 0), sharex=True, gridspec_kw=heights)
    drawn = []
    for number, (panel, (backbone, members)) in enumerate(zip(axes, groups.items(), strict=False)):
        titled(panel, backbone)
        seeds = len({m.split("/")[2] for m in members}) > 1
        names = ["/".join(m.split("/")[1 : 3 if seeds else 2]) for m in members]
        drawn += _bars(panel, members, names, found, highest[number // _ACROSS])
    if systems:
        titled(axes[-1], "published", "CLIP on other data; no intervals")
        values = {
            kind: {n: row for (k, n), row in named.items() if k == kind} for kind in KIND_COLOURS
        }
        drawn += _bars(axes[-1], systems, systems, values, highest[-1], hatch="////")
    ends = [
        float(row[end])
        for part in found.values()
        for row in part.values()
        for end in ("value", "upper")
        if row["status"] == "ok"
    ]
    for panel in axes:
        panel.set_xlim(0, max([1.06, *(1.03 * end for end in ends)]))
        panel.axvline(1, color="#444444", lw=0.9)
        panel.grid(axis="x")
        panel.set_xlabel("GELO, 95 % interval")
    kinds = in_order(found, tuple(KINDS))
    legend_below(figure, [Patch(color=KIND_COLOURS[k], label=KINDS[k]) for k in kinds])
    return Drawing(figure, pd.DataFrame(drawn, columns=COLUMNS))


def _bars(
    axes: Axes,
    members: Sequence[str],
    names: Sequence[str],
    found: dict[str, dict[str, Record]],
    most: int,
    hatch: str = "",
) -> list[dict[str, object]]:
    """A bar of each kind for each member, and the rows that were drawn."""
    drawn = []
    kinds = in_order(found, tuple(KINDS))
    for place, member in enumerate(members):
        for i, kind in enumerate(kinds):
            row = found[kind].get(member)
            if row is None:
                continue
            y = place + (i - (len(kinds) - 1) / 2) * _HEIGHT
            drawn.append({"kind": kind, **{str(k): v for k, v in row.items()}})
            if row["status"] != "ok":
                axes.plot(0.02, y, marker="x", color=OTHER, markersize=5)
                axes.annotate(
                    f"{KINDS[kind].split(',')[0]}: failed", (0.02, y), xytext=(6, 0),
                    textcoords="offset points", va="center", fontsize="small",
                    fontstyle="italic", color="#555555",
                )  # fmt: skip
                continue
            colour = KIND_COLOURS[kind]
            axes.barh(
                y, row["value"], _HEIGHT * 0.86, color="white" if hatch else colour,
                edgecolor=colour, hatch=hatch, linewidth=0.8,
            )  # fmt: skip
            if row["lower"] == row["lower"]:
                axes.hlines(y, row["lower"], row["upper"], color="#111111", linewidth=1.1)
    axes.set_yticks(range(len(names)), list(names))
    axes.set_ylim(most - 0.5, -0.5)
    axes.tick_params(axis="y", length=0)
    return drawn


def _published(table: pd.DataFrame | None) -> dict[tuple[str, str], Record]:
    """The published GELO by kind and system; they have no intervals."""
    if table is None:
        return {}
    rows = table[(table["metric"] == GELO) & (table["task"] == GENERAL)]
    return {
        (row["protocol"], f"{row['system']} {row['backbone']}"): {
            "model": f"{_PUBLISHED}: {row['system']} {row['backbone']}",
            "protocol": row["protocol"],
            "metric": GELO,
            "value": row["share"],
            "lower": float("nan"),
            "upper": float("nan"),
            "n": None,
            "unit": None,
            "status": "ok",
        }
        for row in rows.to_dict("records")
    }
