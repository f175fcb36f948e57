"""What tuning changed on each task, against the untouched base and against the task's expert."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from unispace.config.study import Study
from unispace.data.held_out import HELD_OUT
from unispace.reporting.numbers import Numbers
from unispace.reporting.roles import (
    SECOND_METRIC,
    Line,
    line_of,
    task_metric,
    tasks_in_order,
    tuned_models,
)
from unispace.reporting.tables import Cell


@dataclass(frozen=True)
class ChangeCell:
    """A change in points.

    Attributes:
        cell: None where nothing was compared, as with the reference itself.
        sign: "up" or "down" where the interval excludes 0, else empty.
    """

    cell: Cell | None
    sign: str


@dataclass(frozen=True)
class ChangeTable:
    """Changes of the task metrics.

    Attributes:
        tasks: data set and metric, of each pair of columns.
        base: name of the curriculum that the first of each pair refers to.
        lines: empty where nothing was compared.
    """

    tasks: tuple[tuple[str, str], ...]
    base: str
    lines: tuple[Line[ChangeCell], ...]


@dataclass(frozen=True)
class UnseenCell:
    """A model on a data set that no curriculum trained on: its level, and the change against base."""

    level: Cell | None
    change: ChangeCell


@dataclass(frozen=True)
class UnseenTable:
    """Levels and changes on unseen data.

    Attributes:
        columns: data set, domain, what is held out of it or empty, metric.
        lines: empty where nothing unseen was measured.
    """

    columns: tuple[tuple[str, str, str, str], ...]
    lines: tuple[Line[UnseenCell], ...]


def forgetting_table(
    study: Study, results: pd.DataFrame, models: Sequence[str], datasets: Sequence[str]
) -> ChangeTable:
    """Changes on the tasks; a line for each tuned model that was compared."""
    numbers, tasks = Numbers(results, study), tasks_in_order(study, datasets)
    base = study.base_curriculum()
    lines = []
    for model in tuned_models(study, models):
        if model.kind in ("base", "control", "interpolated"):
            continue
        cells = tuple(
            _change(numbers, model.name, model.sibling(reference), dataset, metric)
            for dataset, expert in tasks.items()
            for metric in [numbers.main_metric(dataset)]
            for reference in (base or "", expert)
        )
        if any(c.cell for c in cells):
            lines.append(line_of(study, model, cells))
    heads = tuple((d, task_metric(study.datasets[d].domain)) for d in tasks)
    return ChangeTable(heads, base or "", tuple(lines))


def unseen_table(
    study: Study, results: pd.DataFrame, models: Sequence[str], datasets: Sequence[str]
) -> UnseenTable:
    """Unseen data sets, and the held-out splits of those that were trained on, before and after."""
    numbers = Numbers(results, study)
    held = results.loc[results["protocol"].str.endswith(f"/{HELD_OUT}"), "dataset"].unique()
    wanted = [(d, "") for d in datasets if d in study.unseen_datasets()]
    wanted += [(d, HELD_OUT) for d in datasets if d in held]
    shown = [m for m in tuned_models(study, models) if m.kind not in ("control", "interpolated")]
    columns = []
    for dataset, split in wanted:
        main = numbers.main_metric(dataset)
        metrics = [main] if main == "top-1" else [main, SECOND_METRIC]
        columns += [
            (dataset, split, metric)
            for metric in metrics
            if any(numbers.level(m.name, dataset, metric, split) for m in shown)
        ]
    base, lines = study.base_curriculum() or "", []
    for model in shown:
        cells = tuple(
            UnseenCell(
                numbers.cell(model.name, dataset, metric, split),
                _change(numbers, model.name, model.sibling(base), dataset, metric, split),
            )
            for dataset, split, metric in columns
        )
        if any(c.level for c in cells):
            lines.append(line_of(study, model, cells))
    heads = [(d, study.datasets[d].domain, s.replace("_", " "), m) for d, s, m in columns]
    return UnseenTable(tuple(heads), tuple(lines))


def _change(
    numbers: Numbers, model: str, reference: str, dataset: str, metric: str, split: str = ""
) -> ChangeCell:
    if model == reference:
        return ChangeCell(None, "")
    row = numbers.change(model, reference, dataset, metric, split)
    shown = numbers.change_cell(model, reference, dataset, metric, split)
    if row is None or row["status"] != "ok":
        return ChangeCell(shown, "")
    return ChangeCell(shown, "up" if row["lower"] > 0 else "down" if row["upper"] < 0 else "")
