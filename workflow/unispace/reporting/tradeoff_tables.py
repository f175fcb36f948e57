"""T-ZS, T-LP and T-BIO: models by general sets, and by the numbers of biometric tasks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from unispace.config.base import ATTACK_DOMAINS
from unispace.config.study import Study
from unispace.config.tradeoffs import DETECTION, OF_VAL, Gained
from unispace.evaluation.gelo import AVERAGE, DEFINITIONS, DROP
from unispace.reporting.looks import in_order
from unispace.reporting.map_tables import ChangeCell
from unispace.reporting.numbers import PAIRED
from unispace.reporting.roles import Line, Tuned, line_of, tuned_models
from unispace.reporting.tables import Cell, cell_of, change_of
from unispace.reporting.tradeoff_rows import backbones_in_order, by_model, gains_of

_FACE_METRICS = ("accuracy", "AUC", "EER")
_ATTACK_METRICS = (
    "AUC", "D-EER", "HTER", "HTER@EER-of-test", "ACER", "APCER", "BPCER",
)  # fmt: skip
_RATES = ("TMR@FMR", "APCER@BPCER", "BPCER@APCER")
_HEAD = "head"


@dataclass(frozen=True)
class TradeCell:
    """A level of a model, and below it what it differs by from the base.

    Attributes:
        level: None where nothing was measured.
        change: in points, with `up`, `down` or nothing for its sign; None where there is none.
    """

    level: Cell | None
    change: ChangeCell | None = None


@dataclass(frozen=True)
class GeneralTable:
    """T-ZS or T-LP.

    Attributes:
        kind: `zero-shot` or `linear-probe`.
        protocol: of the results.
        sets: the general sets.
        definitions: of GELO.
        lines: a model each: GELO by each definition, the average, and the sets.
    """

    kind: str
    protocol: str
    sets: tuple[str, ...]
    definitions: tuple[str, ...]
    lines: tuple[Line[TradeCell], ...]


@dataclass(frozen=True)
class TaskColumn:
    """A number of a biometric task."""

    metric: str
    protocol: str


@dataclass(frozen=True)
class TaskTable:
    """T-BIO of one task.

    Attributes:
        task, dataset: its name, and where it was tested.
        printed: the published task that it stands beside: `fr`, `pad` or `mad`.
        gain: metric and protocol that say what was gained; `fall of` an error rate.
        columns: the numbers.
        lines: a model each: the gain, then the numbers.
    """

    task: str
    dataset: str
    printed: str
    gain: TaskColumn
    columns: tuple[TaskColumn, ...]
    lines: tuple[Line[TradeCell], ...]


def traded_models(study: Study, order: Sequence[str], rows: pd.DataFrame) -> list[Tuned]:
    """The models that have an average over the general sets, the sizes of a family together."""
    there = set(rows.loc[rows["metric"] == AVERAGE, "model"])
    models = [m for m in tuned_models(study, order) if m.name in there]
    sizes = study.tradeoffs.sizes.values()
    backbones = backbones_in_order((m.name for m in models), sizes)
    return sorted(models, key=lambda m: backbones.index(m.backbone))


def general_table(
    study: Study, results: pd.DataFrame, rows: pd.DataFrame, models: Sequence[Tuned],
    datasets: Sequence[str], kind: str, protocol: str,
) -> GeneralTable:  # fmt: skip
    """The models on the general sets by one protocol.

    Args:
        study: the study.
        results: all tidy rows.
        rows: those of trade-offs.
        models: as `traded_models` gives them.
        datasets: in the study's order.
        kind: `zero-shot` or `linear-probe`.
        protocol: of the results.
    """
    asked = study.tradeoffs
    levels = results[results["experiment"] == "classification"]
    levels = levels[levels["dataset"].isin(asked.datasets)]
    known = {
        d: by_model(levels, asked.metric, protocol, d)
        for d in in_order(set(levels["dataset"]), datasets)
    }
    known = {d: found for d, found in known.items() if found}
    drops = {d: by_model(rows, DROP, protocol, d) for d in known}
    averages = by_model(rows, AVERAGE, protocol)
    kept = {name: by_model(rows, name, protocol) for name in DEFINITIONS}
    lines = []
    for model in models:
        if model.name not in averages:
            continue
        cells = [TradeCell(_cell(found.get(model.name))) for found in (*kept.values(), averages)]
        cells += [
            TradeCell(_cell(known[d].get(model.name)), _lost(drops[d].get(model.name)))
            for d in known
        ]
        lines.append(line_of(study, model, tuple(cells)))
    return GeneralTable(kind, protocol, tuple(known), tuple(DEFINITIONS), tuple(lines))


def task_table(
    study: Study, results: pd.DataFrame, rows: pd.DataFrame, models: Sequence[Tuned], gain: Gained
) -> TaskTable:
    """All numbers of the models in one biometric task.

    Of attacks by the protocol of the gain and by the heads of the models that have one; of identities by all protocols
    that gave one of the numbers.

    Args:
        study: the study.
        results: all tidy rows.
        rows: those of trade-offs.
        models: as `traded_models` gives them.
        gain: the task.
    """
    here = results[
        (results["experiment"] == gain.experiment) & (results["dataset"] == gain.dataset)
    ]
    here = here[here["model"].notna() & here["source"].isna()]
    attacks = gain.experiment == DETECTION
    if attacks:
        here = here[here["protocol"].isin((gain.protocol, _HEAD))]
    columns = [
        TaskColumn(metric, protocol)
        for protocol in in_order(here["protocol"], (gain.protocol, _HEAD))
        for metric in _metrics(here.loc[here["protocol"] == protocol, "metric"], attacks=attacks)
    ]
    found = [by_model(here, c.metric, c.protocol, gain.dataset) for c in columns]
    gained = gains_of(rows, gain)
    lines = [
        line_of(
            study,
            model,
            (
                TradeCell(None, _signed(gained.get(model.name))),
                *(TradeCell(_cell(part.get(model.name))) for part in found),
            ),
        )
        for model in models
        if any(model.name in part for part in found)
    ]
    what = gain.metric if gain.rising else f"fall of {gain.metric}"
    about = TaskColumn(what, f"{PAIRED}, {gain.protocol}")
    domain = study.datasets[gain.dataset].domain
    printed = domain if domain in ATTACK_DOMAINS else "fr"
    return TaskTable(gain.task, gain.dataset, printed, about, tuple(columns), tuple(lines))


def _metrics(present: pd.Series, *, attacks: bool) -> list[str]:
    """The metrics that are shown, single numbers before operating points by rising rates."""
    found = set(present)
    single = [m for m in (_ATTACK_METRICS if attacks else _FACE_METRICS) if m in found]
    # Points at thresholds of the development data stand in the full table.
    points = [m for m in found if m.partition("=")[0] in _RATES and not m.endswith(OF_VAL)]
    return [
        *single,
        *sorted(points, key=lambda m: (m.partition("=")[0], float(m.partition("=")[2]))),
    ]


def _cell(row: Any) -> Cell | None:
    return None if row is None else cell_of(row)


def _signed(row: Any) -> ChangeCell | None:
    """A difference as it is shown, coloured where its interval excludes 0."""
    if row is None:
        return None
    shown = change_of(row)
    if shown.why:
        return ChangeCell(shown, "")
    return ChangeCell(shown, "up" if row["lower"] > 0 else "down" if row["upper"] < 0 else "")


def _lost(row: Any) -> ChangeCell | None:
    """A drop as the change of accuracy that it is, so that its sign is that of the other tables."""
    if row is None:
        return None
    if row["status"] != "ok":
        return _signed(row)
    turned = {"value": -row["value"], "lower": -row["upper"], "upper": -row["lower"]}
    return _signed(row | turned)
