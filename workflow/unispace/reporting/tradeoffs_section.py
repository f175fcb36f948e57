"""What the page says about trade-offs between general ability and biometric tasks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from unispace.config.datasets import Dataset, RegisteredSource, TorchvisionSource
from unispace.config.study import Study
from unispace.config.tradeoffs import gained
from unispace.evaluation.gelo import GELO, GENERAL
from unispace.evaluation.human import whole_test_split
from unispace.records.published import OVER_ALL
from unispace.reporting.tradeoff_rows import KINDS, standing, trade_rows, tuned_on
from unispace.reporting.tradeoff_tables import (
    GeneralTable,
    TaskTable,
    general_table,
    task_table,
    traded_models,
)


@dataclass(frozen=True)
class PublishedTable:
    """Numbers as they were printed.

    Attributes:
        name: `zero-shot`, `linear-probe`, or a task.
        columns: data set and metric of each column.
        same: for each column the study's data set that holds the same images in the same division, else empty.
        lines: system and backbone, and the numbers as printed, in percent except for GELO.
        notes: what is known of the numbers beside them, each once.
    """

    name: str
    columns: tuple[tuple[str, str], ...]
    same: tuple[str, ...]
    lines: tuple[tuple[str, str, tuple[str, ...]], ...]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class TradeoffsSection:
    """The section on trade-offs.

    Attributes:
        models: how many tuned models have a GELO; 0 where the study has none.
        general: T-ZS and T-LP, one for each way in which general ability was measured.
        others: further protocols of these, which stand in the full table alone.
        seen: curricula that train on general sets, each with these.
        tasks: T-BIO, a table for each task.
        published: the published tables beside them, by their names; empty where the study wants none.
        kinds: what the ways of measuring are called.
    """

    models: int
    general: tuple[GeneralTable, ...]
    others: tuple[str, ...]
    seen: tuple[tuple[str, tuple[str, ...]], ...]
    tasks: tuple[TaskTable, ...]
    published: dict[str, PublishedTable]
    kinds: dict[str, str]


def tradeoffs_section(
    study: Study,
    results: pd.DataFrame,
    models: Sequence[str],
    datasets: Sequence[str],
    published: pd.DataFrame | None,
) -> TradeoffsSection:
    """Everything that the section shows beside its figures.

    Args:
        study: the study.
        results: tidy rows.
        models: in the study's order.
        datasets: in the study's order.
        published: numbers of the trade-offs paper, `records.published`; None for none.
    """
    rows = trade_rows(results)
    kinds = standing(rows) if len(rows) else {}
    shown = traded_models(study, models, rows)
    general = tuple(
        general_table(study, results, rows, shown, datasets, kind, protocol)
        for kind, protocol in kinds.items()
    )
    tasks = tuple(
        task_table(study, results, rows, shown, gain) for gain in (gained(study) if kinds else ())
    )
    whole = rows[(rows["metric"] == GELO) & (rows["dataset"] == GENERAL)]
    beside = {}
    if published is not None and kinds:
        beside = {
            name: _published(published, study, name, results)
            for name in (*kinds, *dict.fromkeys(table.printed for table in tasks))
        }
    return TradeoffsSection(
        models=whole["model"].nunique(),
        general=general,
        others=tuple(sorted(set(whole["protocol"]) - set(kinds.values()))),
        seen=tuple(
            (curriculum, found)
            for curriculum in dict.fromkeys(m.curriculum for m in shown)
            for trained in [tuned_on(study.curricula, curriculum)]
            for found in [tuple(d for d in study.tradeoffs.datasets if d in trained)]
            if found
        ),
        tasks=tasks,
        published=beside,
        kinds=KINDS,
    )


def _published(
    table: pd.DataFrame, study: Study, name: str, results: pd.DataFrame
) -> PublishedTable:
    """One of the published tables."""
    general = name in KINDS
    part = table[(table["table"] if general else table["task"]) == name]
    keys = list(dict.fromkeys(zip(part["name"], part["metric"], strict=True)))
    # Those over all sets stand behind the sets, average first, as printed.
    keys.sort(key=lambda key: key[0] == OVER_ALL)
    values = {
        (row["system"], row["backbone"], row["name"], row["metric"]): row["value"]
        for row in part.to_dict("records")
    }
    systems = list(dict.fromkeys(zip(part["system"], part["backbone"], strict=True)))
    first = {(row["name"], row["metric"]): row for row in reversed(part.to_dict("records"))}
    return PublishedTable(
        name=name,
        columns=tuple(keys),
        same=tuple(
            _same_data(study, first[key]) if general else _same_pairs(study, first[key], results)
            for key in keys
        ),
        lines=tuple(
            (system, backbone, tuple(values.get((system, backbone, *key), "") for key in keys))
            for system, backbone in systems
        ),
        notes=tuple(dict.fromkeys(note for note in part["note"] if isinstance(note, str))),
    )


def _same_data(study: Study, row: dict) -> str:
    """The study's data set whose tested split is that of a published column; empty where there is none."""
    for name in study.tradeoffs.datasets:
        dataset = study.datasets[name]
        if _is_set(dataset, row) and not whole_test_split(dataset, study.evaluation.split):
            return name
    return ""


def _same_pairs(study: Study, row: dict, results: pd.DataFrame) -> str:
    """The tested set whose official pairs, all of them, are those of a published column; else empty."""
    for gain in gained(study):
        if _is_set(study.datasets[gain.dataset], row):
            taken = results[(results["dataset"] == gain.dataset) & results["source"].isna()]
            if ((taken["protocol"] == row["protocol"]) & (taken["metric"] == row["metric"])).any():
                return gain.dataset
    return ""


def _is_set(dataset: Dataset, row: dict) -> bool:
    match dataset.source:
        case RegisteredSource(name=name):
            return name == row["dataset"]
        case TorchvisionSource(name=name):
            return name == row["torchvision"]
        case _:
            return False
