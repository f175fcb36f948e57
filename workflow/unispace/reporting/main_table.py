"""The main table of a curriculum study: each backbone and curriculum on the four tasks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from unispace.config.study import Study
from unispace.reporting.numbers import Numbers
from unispace.reporting.roles import (
    SECOND_METRIC,
    Line,
    Tuned,
    line_of,
    task_metric,
    tasks_in_order,
    tuned_models,
)
from unispace.reporting.tables import Cell


@dataclass(frozen=True)
class TaskCell:
    """A model on a task.

    Attributes:
        main: the metric that stands for the task; None where it was not measured.
        second: Rank-1 of identities.
        verdict: how the change against the expert lies to the margin; empty for the expert itself.
        told: that change, in points; None for the expert itself.
        best: whether it beats every other model of its backbone and seed in paired comparisons.
    """

    main: Cell | None
    second: Cell | None
    verdict: str
    told: Cell | None
    best: bool


@dataclass(frozen=True)
class MainTable:
    """The main table.

    Attributes:
        tasks: data set, domain, metric and margin as shown, of each column.
        lines: empty where no task was measured.
        best: whether any cell is marked.
        compared: whether any cell has been compared with its expert.
        kept: for each line whose cells have all been compared, in words, on how many tasks it holds the expert's level.
    """

    tasks: tuple[tuple[str, str, str, str], ...]
    lines: tuple[Line[TaskCell], ...]
    best: bool
    compared: bool
    kept: tuple[str, ...]


def main_table(
    study: Study, results: pd.DataFrame, models: Sequence[str], datasets: Sequence[str]
) -> MainTable:
    """The main table, models and data sets in the order given; those that interpolate are in their curve instead."""
    numbers, tasks = Numbers(results, study), tasks_in_order(study, datasets)
    shown = [m for m in tuned_models(study, models) if m.kind != "interpolated"]
    lines = []
    for model in shown:
        rivals = [o for o in shown if (o.backbone, o.seed) == (model.backbone, model.seed)]
        cells = tuple(_cell(numbers, model, rivals, d, e) for d, e in tasks.items())
        if any(cell.main is not None for cell in cells):
            lines.append(line_of(study, model, cells))
    flat = [cell for line in lines for cell in line.cells]
    return MainTable(
        tasks=tuple(_head(study, dataset) for dataset in tasks),
        lines=tuple(lines),
        best=any(cell.best for cell in flat),
        compared=any(cell.verdict for cell in flat),
        kept=tuple(_kept(line) for line in lines),
    )


def _head(study: Study, dataset: str) -> tuple[str, str, str, str]:
    domain = study.datasets[dataset].domain
    metric = task_metric(domain)
    margins = {str(name): margin for name, margin in study.evaluation.margins.items()}
    return dataset, domain, metric, f"±{margins[metric] * 100:g} points"


def _cell(
    numbers: Numbers, model: Tuned, rivals: Sequence[Tuned], dataset: str, expert: str
) -> TaskCell:
    metric = numbers.main_metric(dataset)
    reference = model.sibling(expert)
    told = numbers.change_cell(model.name, reference, dataset, metric)
    compared = model.name != reference
    found = numbers.verdict(model.name, reference, dataset, metric) if compared else None
    return TaskCell(
        main=numbers.cell(model.name, dataset, metric),
        second=None if metric == "top-1" else numbers.cell(model.name, dataset, SECOND_METRIC),
        verdict=found or "",
        told=told if compared and told and not told.why else None,
        best=_beats_all(numbers, model.name, [r.name for r in rivals], dataset, metric),
    )


def _beats_all(
    numbers: Numbers, model: str, rivals: Sequence[str], dataset: str, metric: str
) -> bool:
    """Whether the paired interval against every rival that was measured excludes 0 in the model's favour.

    All of these have to hold at once, so the claim needs no correction for their number
    (intersection-union test, Berger 1982, doi:10.1080/00401706.1982.10487790).
    """
    own = numbers.level(model, dataset, metric)
    if own is None or own["status"] != "ok":
        return False
    others = [r for r in rivals if r != model]
    levels = {r: numbers.level(r, dataset, metric) for r in others}
    measured = [r for r, row in levels.items() if row is not None and row["status"] == "ok"]
    return bool(measured) and all(_beats(numbers, model, r, dataset, metric) for r in measured)


def _beats(numbers: Numbers, model: str, rival: str, dataset: str, metric: str) -> bool:
    ahead = numbers.change(model, rival, dataset, metric)
    if ahead is not None and ahead["status"] == "ok":
        return ahead["lower"] > 0
    behind = numbers.change(rival, model, dataset, metric)
    return behind is not None and behind["status"] == "ok" and behind["upper"] < 0


def _kept(line: Line[TaskCell]) -> str:
    """On how many tasks a line holds the level of the experts; empty where not all were compared."""
    if line.kind in ("base", "expert", "control") or not all(cell.verdict for cell in line.cells):
        return ""
    held = ("equivalent", "not inferior")
    return f"{sum(cell.verdict in held for cell in line.cells)} of {len(line.cells)}"
