"""Networks beside what takes no network: a linear map of raw pixels, and chance."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from unispace.config.study import Study
from unispace.reporting.headline import headline, rows_of
from unispace.reporting.tables import Cell, cell_of, number

_METRICS = ("top-1", "Rank-1")


@dataclass(frozen=True)
class ControlLine:
    """One thing measured after one tuning: by each backbone, and by chance.

    Attributes:
        dataset, metric, protocol: what was measured.
        tuning: the curriculum, with the seed where there are several.
        cells: of the backbones in the order of `Controls.backbones`; None where one is not tuned so.
        chance: what guessing reaches, as shown; empty where it was not recorded.
    """

    dataset: str
    metric: str
    protocol: str
    tuning: str
    cells: tuple[Cell | None, ...]
    chance: str


@dataclass(frozen=True)
class Controls:
    """The table of controls.

    Attributes:
        backbones: those that are tuned so at all; networks first, then controls, each with whether it is one.
        lines: empty where the study has no control.
        chance: whether any line knows what guessing reaches.
    """

    backbones: tuple[tuple[str, bool], ...]
    lines: tuple[ControlLine, ...]
    chance: bool


def controls(study: Study, results: pd.DataFrame, datasets: Sequence[str]) -> Controls:
    """Rank-1 or top-1 of every data set by its first protocol, for every tuning that a control has gone through too.

    Args:
        study: the study.
        results: tidy rows; a column `chance`, what guessing reaches, is shown where there is one.
        datasets: the study's order.

    Raises:
        ValueError: where two rows claim one cell, since one of them would be hidden.
    """
    controlled = study.control_backbones()
    networks = [b for b in study.backbones if b not in controlled]
    backbones = [*networks, *controlled]
    several = len(study.seeds) > 1
    single = results[results["model"].notna() & results["source"].isna()]
    lines = []
    for measured in headline(single, datasets, one_protocol=True):
        if measured.metric not in _METRICS:
            continue
        rows = rows_of(single, measured)
        if not rows["model"].is_unique:
            raise ValueError(f"several rows of one model for one cell: {measured}")
        records = {row["model"]: row for row in rows.to_dict("records")}
        for curriculum in study.curricula:
            if not any(curriculum in study.curricula_of(b) for b in controlled):
                continue
            for seed in study.seeds:
                models = [f"{b}/{curriculum}/seed{seed}" for b in backbones]
                found = [records.get(model) for model in models]
                lines.append(
                    ControlLine(
                        dataset=measured.dataset,
                        metric=measured.metric,
                        protocol=measured.protocol,
                        tuning=f"{curriculum}, seed {seed}" if several else curriculum,
                        cells=tuple(_cell(row) for row in found),
                        chance=_chance(found),
                    )
                )
    # A network that went through none of these tunings has no column.
    tuned = [place for place in range(len(backbones)) if any(line.cells[place] for line in lines)]
    marked = tuple((backbones[place], backbones[place] in controlled) for place in tuned)
    lines = [replace(line, cells=tuple(line.cells[place] for place in tuned)) for line in lines]
    return Controls(marked, tuple(lines), any(line.chance for line in lines))


def _cell(row: Mapping[Hashable, Any] | None) -> Cell | None:
    return None if row is None else cell_of(row)


def _chance(rows: Sequence[Mapping[Hashable, Any] | None]) -> str:
    """What guessing reaches; equal for all models, since they are tested on the same images.

    Raises:
        ValueError: where it is not.
    """
    values = {row["chance"] for row in rows if row is not None and "chance" in row}
    values = sorted(value for value in values if not math.isnan(value))
    if len(values) > 1:
        raise ValueError(f"one test, but {len(values)} values by chance: {values}")
    return number(values[0]) if values else ""
