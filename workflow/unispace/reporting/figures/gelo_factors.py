"""The controlled study: GELO over rank, learning rate or steps, all else being equal."""

from __future__ import annotations

import pandas as pd
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from unispace.config.controlled import FACTORS, controlled
from unispace.evaluation.gelo import GELO
from unispace.reporting.figures.drawing import Drawing, Plan, legend_below, nothing, panels, titled
from unispace.reporting.looks import OTHER, looks
from unispace.reporting.tradeoff_rows import (
    KINDS,
    backbones_in_order,
    by_model,
    standing,
    trade_rows,
    tuned_of,
)

COLUMNS = [
    "factor", "level", "group", "kind", "protocol", "backbone", "model",
    "value", "lower", "upper", "status",
]  # fmt: skip
_DASHES = {"zero-shot": "-", "linear-probe": (0, (3, 1.5))}


def draw(tables: list[pd.DataFrame], plan: Plan) -> Drawing:
    """Draw a panel for each factor and group of curricula that differ in it alone, a line for each backbone."""
    rows = trade_rows(tables[0])
    models, kinds = tuned_of(rows, plan.models), standing(rows)
    found = {kind: by_model(rows, GELO, protocol) for kind, protocol in kinds.items()}
    groups = [
        group
        for group in controlled(plan.curricula)
        if any(model.split("/")[1] in {name for _, name in group.levels} for model in models)
    ]
    if not groups:
        return nothing("No two curricula differ in one setting alone.", COLUMNS)
    backbones = backbones_in_order(models, [members for _, members in plan.sizes])
    styles = looks(backbones)
    figure, axes = panels(len(groups), 3, (3.4, 3.0), sharey=True)
    drawn = []
    for panel, group in zip(axes, groups, strict=True):
        names = ", ".join(name for _, name in group.levels)
        titled(panel, FACTORS[group.factor], names if len(names) < 46 else f"{names[:44]}…")
        for kind, protocol in kinds.items():
            for variant in dict.fromkeys((m.split("/")[0], m.split("/")[2]) for m in models):
                look, line = styles[variant[0]], []
                for level, curriculum in group.levels:
                    model = f"{variant[0]}/{curriculum}/{variant[1]}"
                    row = found[kind].get(model)
                    if row is None:
                        continue
                    line.append((level, row))
                    drawn.append(
                        {
                            "factor": group.factor, "level": level, "group": names, "kind": kind,
                            "protocol": protocol, "backbone": variant[0], "model": model,
                            **{k: row[k] for k in ("value", "lower", "upper", "status")},
                        }
                    )  # fmt: skip
                good = [(x, row) for x, row in line if row["status"] == "ok"]
                panel.plot(
                    [x for x, _ in good], [row["value"] for _, row in good],
                    color=look.colour, ls=_DASHES[kind], marker=look.marker, markersize=4,
                )  # fmt: skip
                for x, row in good:
                    panel.vlines(x, row["lower"], row["upper"], color=look.colour, alpha=0.6, lw=1)
                for x in (x for x, row in line if row["status"] != "ok"):
                    panel.plot(
                        x, 0.02, marker="x", color=OTHER, transform=panel.get_xaxis_transform()
                    )
        panel.set_xscale("log")
        panel.xaxis.set_major_locator(FixedLocator([level for level, _ in group.levels]))
        panel.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:g}"))
        panel.xaxis.set_minor_locator(NullLocator())
        panel.axhline(1, color=OTHER, lw=0.7, zorder=0)
        panel.grid()
        panel.set_xlabel(f"{FACTORS[group.factor]} (logarithmic)")
    for panel in axes[::3]:
        panel.set_ylabel("GELO")
    key = [
        Line2D([], [], color=styles[b].colour, marker=styles[b].marker, label=b) for b in backbones
    ]
    key += [Line2D([], [], color="#555555", ls=_DASHES[k], label=KINDS[k]) for k in kinds]
    legend_below(figure, key)
    return Drawing(figure, pd.DataFrame(drawn, columns=COLUMNS))
