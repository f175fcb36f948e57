"""Weights between base and tuned: what each step towards the tuned ones gains, and what general ability it costs."""

from __future__ import annotations

import pandas as pd
from matplotlib.lines import Line2D

from unispace.config.tradeoffs import Gained
from unispace.evaluation.gelo import GELO
from unispace.reporting.figures.drawing import Drawing, Plan, legend_below, nothing, panels, titled
from unispace.reporting.figures.gelo_scatter import failed_note, whole
from unispace.reporting.looks import OTHER, looks
from unispace.reporting.tradeoff_rows import (
    KINDS,
    backbones_in_order,
    by_model,
    gains_of,
    standing,
    trade_rows,
    tuned_for,
)

COLUMNS = [
    "task", "dataset", "metric", "kind", "backbone", "seed", "tuned", "share", "model",
    "gain", "gain_lower", "gain_upper", "gelo", "gelo_lower", "gelo_upper", "status",
]  # fmt: skip
_DASHES = {"zero-shot": "-", "linear-probe": (0, (3, 1.5))}


def draw(tables: list[pd.DataFrame], plan: Plan) -> Drawing:
    """Draw a panel for each task and each tuned curriculum, a line from the base to it for each backbone."""
    rows = trade_rows(tables[0])
    kinds, ways = standing(rows), _ways(plan)
    if not ways or not kinds:
        return nothing("No model between base and tuned weights was measured.", COLUMNS)
    tuned = list(dict.fromkeys(end for _, end, _ in ways))
    grid = [(gain, end) for end in tuned for gain in _tasks(plan, end)]
    backbones = backbones_in_order(
        (f"{b}/" for b, _, _ in ways), [members for _, members in plan.sizes]
    )
    styles = looks(backbones)
    # Numbers at one line of each backbone, since those of the other would cover them.
    first = next(iter(kinds))
    figure, axes = panels(len(grid), 3, (4.6, 3.5) if len(grid) < 3 else (3.5, 3.1))
    drawn = []
    for panel, (gain, end) in zip(axes, grid, strict=True):
        titled(panel, gain.task, f"base to {end}")
        gained, broken = gains_of(rows, gain), []
        for kind, protocol in kinds.items():
            kept = by_model(rows, GELO, protocol)
            for backbone, other, seed in ways:
                if other != end:
                    continue
                line = [(0.0, 0.0, 1.0)]
                for share, curriculum in _shares(plan, end):
                    model = f"{backbone}/{curriculum}/{seed}"
                    x, y = gained.get(model), kept.get(model)
                    if x is None or y is None:
                        continue
                    good = whole(x, y)
                    if good:
                        line.append((share, float(x["value"]), float(y["value"])))
                        look = styles[backbone]
                        panel.hlines(
                            y["value"],
                            x["lower"],
                            x["upper"],
                            color=look.colour,
                            alpha=0.35,
                            lw=0.8,
                        )
                        panel.vlines(
                            x["value"],
                            y["lower"],
                            y["upper"],
                            color=look.colour,
                            alpha=0.35,
                            lw=0.8,
                        )
                    else:
                        broken.append(f"{backbone} {curriculum}")
                    drawn.append(
                        {
                            "task": gain.task,
                            "dataset": gain.dataset,
                            "metric": gain.metric,
                            "kind": kind,
                            "backbone": backbone,
                            "seed": seed,
                            "tuned": end,
                            "share": share,
                            "model": model,
                            "gain": x["value"],
                            "gain_lower": x["lower"],
                            "gain_upper": x["upper"],
                            "gelo": y["value"],
                            "gelo_lower": y["lower"],
                            "gelo_upper": y["upper"],
                            "status": "ok"
                            if good
                            else x["status"]
                            if x["status"] != "ok"
                            else y["status"],
                        }
                    )
                look = styles[backbone]
                panel.plot(
                    [x for _, x, _ in line],
                    [y for _, _, y in line],
                    color=look.colour,
                    ls=_DASHES[kind],
                    marker=look.marker,
                    markersize=4,
                )
                for share, x, y in line[1:] if kind == first else ():
                    panel.annotate(
                        f"{share:g}",
                        (x, y),
                        xytext=(4, 4),
                        textcoords="offset points",
                        fontsize=6.5,
                        color=look.colour,
                    )
        failed_note(panel, list(dict.fromkeys(broken)))
        panel.axhline(1, color=OTHER, lw=0.7, zorder=0)
        panel.grid()
        panel.set_xlabel(f"gain: {gain.metric if gain.rising else f'fall of {gain.metric}'}")
        panel.set_ylabel("GELO")
    key = [
        Line2D([], [], color=look.colour, marker=look.marker, label=name)
        for name, look in styles.items()
    ]
    key += [Line2D([], [], color="#555555", ls=_DASHES[kind], label=KINDS[kind]) for kind in kinds]
    legend_below(figure, key)
    return Drawing(figure, pd.DataFrame(drawn, columns=COLUMNS))  # fmt: skip


def _tasks(plan: Plan, end: str) -> list[Gained]:
    """The tasks that a curriculum was tuned for; all where it was for none of them."""
    own = [g for g in plan.gains if tuned_for(plan.curricula, end, g.dataset, plan.domains)]
    return own or list(plan.gains)


def _ways(plan: Plan) -> list[tuple[str, str, str]]:
    """Backbone, tuned curriculum and seed of each line that has a point between its ends."""
    ends = {
        settings.interpolate.curriculum
        for settings in plan.curricula.values()
        if settings.interpolate is not None
    }
    return [
        (backbone, curriculum, seed)
        for model in plan.models
        for backbone, curriculum, seed in [model.split("/")]
        if curriculum in ends
        and any(f"{backbone}/{name}/{seed}" in plan.models for _, name in _shares(plan, curriculum)[:-1])
    ]  # fmt: skip


def _shares(plan: Plan, end: str) -> list[tuple[float, str]]:
    """Shares of the tuned weights with their curricula, the tuned one last."""
    between = [
        (settings.interpolate.share, name)
        for name, settings in plan.curricula.items()
        if settings.interpolate is not None and settings.interpolate.curriculum == end
    ]
    return [*sorted(s for s in between if 0 < s[0] < 1), (1.0, end)]
