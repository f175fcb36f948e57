"""The schedule of each curriculum: what each cycle visits, and where the optimiser steps.

Drawn from the settings alone, through the same function that training follows.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle

from unispace.config.curricula import Curriculum
from unispace.curricula.schedule import Cycle, cycles
from unispace.reporting.figures.drawing import Drawing, Plan, legend_below, nothing, panels
from unispace.reporting.looks import DOMAIN_COLOURS, DOMAIN_TITLES, OTHER, in_order

COLUMNS = ["curriculum", "coupling", "cycle", "last", "turn", "dataset", "weight", "steps"]
_SHOWN = 12
_MOST = 24
_HOW = {
    "accumulate": "one step a cycle, on the summed gradients",
    "alternate": "a step after each batch",
    "concat": "one step a cycle, on one mixed batch",
    "surgery": "one step a cycle, on the gradients freed of conflict",
}


@dataclass(frozen=True)
class _Stretch:
    """Equal cycles drawn as one cell: `first` to `last`, counted from 1."""

    first: int
    last: int
    cycle: Cycle


def draw(tables: list[pd.DataFrame], plan: Plan) -> Drawing:
    """Draw a strip for each curriculum that visits several data sets."""
    shown = {n: c for n, c in plan.curricula.items() if len(c.train_on) > 1}
    if not shown:
        return nothing("No curriculum of this study visits several data sets.", COLUMNS)
    count = _count(list(shown.values()))
    figure, axes = panels(len(shown), 1, (10.0, 0.92), sharex=True)
    rows = []
    for panel, (name, settings) in zip(axes, shown.items(), strict=True):
        lanes = in_order(settings.train_on, plan.datasets)
        cells = _stretches(settings, count)
        _strip(panel, settings, cells, lanes, plan, count)
        panel.set_ylabel(
            f"{name}\n", rotation=0, ha="left", va="center", fontweight="bold", labelpad=118
        )
        panel.annotate(
            _subtitle(settings), (0, 0.5), xycoords="axes fraction", xytext=(-118, -4),
            textcoords="offset points", va="top", fontsize=7, color="#555555",
        )  # fmt: skip
        rows += _rows(name, settings, cells, lanes)
    axes[-1].set_xlabel(f"the first {count} cycles; of a sequence, its whole training")
    legend_below(figure, _key(plan, shown))
    return Drawing(figure, pd.DataFrame(rows, columns=COLUMNS))


def _count(shown: list[Curriculum]) -> int:
    """Cycles that are drawn: enough for one round of the longest blocks and the begin of the next."""
    rounds = [sum(block.cycles for block in c.blocks) for c in shown if c.blocks]
    return min(_MOST, max([_SHOWN, *(length + 2 for length in rounds)]))


def _stretches(settings: Curriculum, count: int) -> list[_Stretch]:
    """The cycles that are drawn; those of a sequence are put together while they visit the same."""
    if not settings.sequence:
        return [
            _Stretch(c.step + 1, c.step + 1, c) for c in itertools.islice(cycles(settings), count)
        ]
    found = []
    for _, group in itertools.groupby(cycles(settings), key=lambda c: c.step // settings.steps):
        stage = list(group)
        found.append(_Stretch(stage[0].step + 1, stage[-1].step + 1, stage[0]))
    return found


def _strip(
    axes: Axes,
    settings: Curriculum,
    cells: list[_Stretch],
    lanes: list[str],
    plan: Plan,
    count: int,
) -> None:
    """A lane for each data set; within a cycle, batches stand one after the other."""
    width = count / len(cells) if settings.sequence else 1.0
    most = max(v.weight for cell in cells for v in cell.cycle.visits) or 1.0
    high = 1 / len(lanes)
    for place, cell in enumerate(cells):
        left = place * width
        visits = [v for v in cell.cycle.visits if v.weight > 0]
        turns = 1 if settings.coupling == "concat" else len(cell.cycle.visits)
        # A sliver of the cycle is left for the step.
        turn = 0.84 * width / turns
        for number, visit in enumerate(cell.cycle.visits):
            at = left + 0.06 * width + (0 if turns == 1 else number * turn)
            lane = lanes.index(visit.dataset)
            axes.add_patch(
                _batch(
                    at, 1 - (lane + 1) * high, turn, high, visit.weight / most, plan, visit.dataset
                )
            )
        if settings.sequence:
            axes.text(
                left + 0.48 * width, -0.25, f"× {cell.last - cell.first + 1:,}",
                ha="left", va="center", fontsize=7.5, color="#333333",
            )  # fmt: skip
            _step(axes, left + 0.45 * width)
        elif settings.coupling == "alternate":
            for number, visit in enumerate(cell.cycle.visits):
                if visit in visits:
                    _step(axes, left + 0.06 * width + (number + 0.5) * turn)
        else:
            _step(axes, left + 0.5 * width)
            axes.plot(
                [left + 0.08, left + 0.88], [-0.13, -0.13], color="#333333", lw=0.9, clip_on=False
            )
        axes.axvline(left, color="#dddddd", lw=0.6, zorder=0)
    axes.set_xlim(0, count)
    axes.set_ylim(-0.42, 1.02)
    axes.set_yticks([])
    axes.set_xticks([i + 0.5 for i in range(count)], [str(i + 1) for i in range(count)])
    axes.tick_params(axis="x", length=0)
    for side in ("left", "bottom"):
        axes.spines[side].set_visible(False)


def _batch(
    x: float, y: float, width: float, height: float, share: float, plan: Plan, dataset: str
) -> Rectangle:
    """A batch; its height is its weight, and without weight it is an outline."""
    colour = DOMAIN_COLOURS.get(plan.domains.get(dataset, ""), OTHER)
    if share == 0:
        return Rectangle((x, y), width, height * 0.9, fill=False, edgecolor=colour, lw=0.8)
    return Rectangle((x, y), width * 0.96, height * 0.9 * share, facecolor=colour, lw=0)


def _step(axes: Axes, x: float) -> None:
    axes.plot(x, -0.25, marker="^", color="#111111", markersize=4.2, clip_on=False)


def _subtitle(settings: Curriculum) -> str:
    if settings.sequence:
        return "one data set after the other"
    how = _HOW[settings.coupling]
    # Two lines at most: the strip is low.
    head, _, tail = how.partition(", ")
    blocks = f"{len(settings.blocks)} blocks, repeated\n" if settings.blocks else ""
    return f"{blocks}{head}" + (f",\n{tail}" if tail and not blocks else "")


def _rows(
    name: str, settings: Curriculum, cells: list[_Stretch], lanes: list[str]
) -> list[tuple[object, ...]]:
    rows = []
    coupled = settings.coupling != "alternate"
    for cell in cells:
        steps = cell.last - cell.first + 1
        last = len(cell.cycle.visits) - 1
        for turn, visit in enumerate(cell.cycle.visits):
            # A coupled cycle steps once, after its last batch.
            stepped = steps if (turn == last if coupled else visit.weight > 0) else 0
            rows.append(
                (
                    name,
                    settings.coupling,
                    cell.first,
                    cell.last,
                    turn + 1,
                    visit.dataset,
                    visit.weight,
                    stepped,
                )
            )
    return rows


def _key(plan: Plan, shown: dict[str, Curriculum]) -> list[Patch | Line2D]:
    used = in_order({d for c in shown.values() for d in c.train_on}, plan.datasets)
    keys: list[Patch | Line2D] = []
    for domain in dict.fromkeys(plan.domains.get(d, "") for d in used):
        here = ", ".join(d for d in used if plan.domains.get(d, "") == domain)
        label = f"{here} ({DOMAIN_TITLES.get(domain, domain)})"
        keys.append(Patch(color=DOMAIN_COLOURS.get(domain, OTHER), label=label))
    keys.append(
        Line2D([], [], linestyle="none", marker="^", color="#111111", label="optimiser step")
    )
    return keys
