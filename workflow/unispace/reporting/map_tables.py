"""The tables about maps between models: the models, means over families, single pairs."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from unispace.config.methods import CEILING
from unispace.config.study import Study
from unispace.data.audit.pretraining import seen_by
from unispace.records.rows import rows_of_frame
from unispace.reporting.forgetting import ChangeCell
from unispace.reporting.headline import operating_point
from unispace.reporting.looks import in_order, methods_in_order, short_names
from unispace.reporting.map_rows import (
    FAMILIES,
    GAIN,
    PAIRS,
    PAPER_FAMILIES,
    PAPER_PAIRS,
    SPREAD,
    Tested,
    ends_of,
    grouped,
    headline_metrics,
    levels_of,
    protocols_in_order,
    rows_of_maps,
    rows_tested,
    standing,
    tested_in_order,
)
from unispace.reporting.tables import Cell, cell_of, change_of, number

_Record = Mapping[Hashable, Any]
_Key = tuple[str, str, str, str, str]
_PAPER = "paper-splits"
_ALL = ("Rank-1", "mAP", "AUC", "EER")
_FEW = ("Rank-1", "AUC")


@dataclass(frozen=True)
class MapOrder:
    """The study's order of what stands in the tables.

    Attributes:
        datasets: data sets.
        methods: of maps.
        families: of each mapped model.
        protocols: of maps; the first that has a metric stands for it.
    """

    datasets: tuple[str, ...]
    methods: tuple[str, ...]
    families: Mapping[str, str]
    protocols: tuple[str, ...]


@dataclass(frozen=True)
class MapColumn:
    """A column.

    Attributes:
        metric, protocol: what was measured, and how.
        n: what lies behind its values, as text.
        stands: whether it stands for recognition across models; then gains are shown too.
    """

    metric: str
    protocol: str
    n: str = ""
    stands: bool = False


@dataclass(frozen=True)
class MapCell:
    """A level, and what it gains over the baseline where that was compared."""

    level: Cell | None
    gain: ChangeCell | None


@dataclass(frozen=True)
class MapLine:
    """One source, target and method.

    Attributes:
        about: source and target as shown.
        source, target: in full.
        method: its name.
        first: whether it is the first of its source and target.
        cells: one for each column.
    """

    about: str
    source: str
    target: str
    method: str
    first: bool
    cells: tuple[MapCell, ...]


@dataclass(frozen=True)
class MapTable:
    """What was measured of maps that are fitted and tested on the same."""

    tested: Tested
    columns: tuple[MapColumn, ...]
    lines: tuple[MapLine, ...]

    @property
    def gains(self) -> bool:
        """Whether gains over the baseline stand in it."""
        return any(item.gain for line in self.lines for item in line.cells)


@dataclass(frozen=True)
class MappedModel:
    """A model that is mapped: what it is, what its weights saw, and its ceilings."""

    name: str
    short: str
    family: str
    dimension: int
    saw: str
    cells: tuple[Cell | None, ...]


@dataclass(frozen=True)
class ModelTable:
    """The mapped models; columns are what was tested, metric and protocol of each ceiling."""

    columns: tuple[tuple[Tested, str, str], ...]
    lines: tuple[MappedModel, ...]

    @property
    def groups(self) -> list[tuple[Tested, int]]:
        """What was tested, with the number of columns below it."""
        found = [tested for tested, _, _ in self.columns]
        return [(tested, found.count(tested)) for tested in dict.fromkeys(found)]


def family_tables(results: pd.DataFrame, order: MapOrder) -> list[MapTable]:
    """Means over the pairs of each two families: a table for each data set, within it before across."""
    families = tuple(dict.fromkeys(order.families.values()))
    names = {family: family for family in families}
    rows, paper = (rows_of_maps(results, e) for e in (FAMILIES, PAPER_FAMILIES))
    return _tables(rows, paper, order, families, names, _ALL)


def pair_tables(results: pd.DataFrame, order: MapOrder) -> list[MapTable]:
    """Every ordered pair of models and every method, with the ceiling of each model."""
    rows, paper = (rows_of_maps(results, e) for e in (PAIRS, PAPER_PAIRS))
    ends = ends_of(rows, grouped(order.families))
    return _tables(rows, paper, order, tuple(ends), short_names(ends), _FEW)


def _tables(
    rows: pd.DataFrame,
    paper: pd.DataFrame,
    order: MapOrder,
    ends: tuple[str, ...],
    names: Mapping[str, str],
    metrics: Sequence[str],
) -> list[MapTable]:
    tables = []
    for tested in tested_in_order(rows, order.datasets):
        here, published = rows_tested(rows, tested), rows_tested(paper, tested)
        columns = _columns(here, published, order, metrics)
        records = _records(pd.concat([here, published]))
        present = {(source, target, method) for source, target, method, _, _ in records}
        keys = [
            (source, target, method)
            for source in ends
            for target in ends
            for method in methods_in_order(
                {m for s, t, m in present if (s, t) == (source, target)}, order.methods
            )
        ]
        lines, before = [], None
        for source, target, method in keys:
            cells = tuple(_cell(records, (source, target, method), c) for c in columns)
            about, first = f"{names[source]} → {names[target]}", (source, target) != before
            lines.append(MapLine(about, source, target, method, first, cells))
            before = (source, target)
        tables.append(MapTable(tested, columns, tuple(lines)))
    return tables


def _columns(
    rows: pd.DataFrame, paper: pd.DataFrame, order: MapOrder, metrics: Sequence[str]
) -> tuple[MapColumn, ...]:
    """Rank-1 by every protocol, the other metrics by the one that stands for them, then those of the paper."""
    point = operating_point(levels_of(rows))
    search = operating_point(levels_of(rows), "DIR@FPIR")
    wanted = [m for m in (*metrics, point, search) if m]
    found = [
        (metric, protocol)
        for metric in wanted
        for here in [rows[rows["metric"] == metric]]
        for protocol in (
            protocols_in_order(here["protocol"], order.protocols)
            if metric == "Rank-1"
            else standing(here, metric, order.protocols)["protocol"].unique()
        )
    ]
    lists = rows[rows["metric"] == "accuracy"]
    found += [("accuracy", p) for p in protocols_in_order(lists["protocol"], order.protocols)]
    published = [(m, _PAPER) for m in ("Rank-1", "AUC", point) if m in set(paper["metric"])]
    heads = {
        (metric, str(standing(rows, metric, order.protocols)["protocol"].iloc[0]))
        for metric in headline_metrics(rows)
    }
    both = pd.concat([rows, paper])
    return tuple(
        MapColumn(m, p, _counts(both, m, p), (m, p) in heads) for m, p in [*found, *published]
    )


def _counts(rows: pd.DataFrame, metric: str, protocol: str) -> str:
    n = rows.loc[(rows["metric"] == metric) & (rows["protocol"] == protocol), "n"]
    low, high = int(n.min()), int(n.max())
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"


def _records(rows: pd.DataFrame) -> dict[_Key, _Record]:
    """Rows by source, target, method, protocol and metric.

    Raises:
        ValueError: where two rows claim one cell, since one of them would be hidden.
    """
    found: dict[_Key, _Record] = {}
    for row in rows_of_frame(rows):
        key = (row["source"], row["target"], row["method"], row["protocol"], row["metric"])
        if key in found:
            raise ValueError(f"two rows for one cell: {key}")
        found[key] = row
    return found


def _cell(
    records: Mapping[_Key, _Record], about: tuple[str, str, str], column: MapColumn
) -> MapCell:
    row = records.get((*about, column.protocol, column.metric))
    if row is None:
        return MapCell(None, None)
    level = cell_of(row)
    spread = records.get((*about, column.protocol, column.metric + SPREAD))
    if spread is not None and not level.why:
        level = replace(level, value=f"{level.value} ± {number(spread['value'])}")
    gain = records.get((*about, column.protocol, column.metric + GAIN)) if column.stands else None
    return MapCell(level, None if gain is None else _gain(gain))


def _gain(row: _Record) -> ChangeCell:
    shown = change_of(row)
    if shown.why:
        return ChangeCell(shown, "")
    return ChangeCell(shown, "up" if row["lower"] > 0 else "down" if row["upper"] < 0 else "")


def model_table(
    study: Study,
    results: pd.DataFrame,
    order: MapOrder,
    cards: Sequence[Mapping[str, Any]],
) -> ModelTable:
    """The mapped models by family, with what each reaches as its own target."""
    rows = rows_of_maps(results)
    rows = rows[rows["method"] == CEILING]
    columns = []
    for tested in tested_in_order(rows, order.datasets):
        here = rows_tested(rows, tested)
        for metric in headline_metrics(here):
            if metric in _FEW:
                protocol = str(standing(here, metric, order.protocols)["protocol"].iloc[0])
                columns.append((tested, metric, protocol))
    models = grouped(order.families)
    names = short_names(models)
    known = {card["model"]: card for card in cards}
    lines = []
    for model in models:
        cells = []
        for tested, metric, protocol in columns:
            records = _records(rows_tested(rows, tested))
            cells.append(_cell(records, (model, model, CEILING), MapColumn(metric, protocol)).level)
        about = MappedModel(
            model, names[model], order.families[model], int(known[model]["dimension"]),
            saw_in_words(study, model, order.datasets), tuple(cells),
        )  # fmt: skip
        lines.append(about)
    return ModelTable(tuple(columns), tuple(lines))


def saw_in_words(study: Study, model: str, datasets: Sequence[str]) -> str:
    """What the weights of a model were made on, as far as it is known; data sets in the order given."""
    if model in study.own_models():
        return "not known here; its card may say"
    backbone, name = model.split("/")[:2]
    weights, curriculum = study.backbones[backbone].weights, study.curricula[name]
    if curriculum.untrained:
        return "nothing"
    match weights.kind:
        case "pretrain":
            first = ", ".join(weights.datasets)
        case "random":
            first = ""
        case _:
            origin = weights.repo if weights.kind == "hub" else weights.path
            first = ", ".join(seen_by(origin, weights.seen)) or "not known"
    if curriculum.interpolate is not None:
        curriculum = study.curricula[curriculum.interpolate.curriculum]
    tuned = ", ".join(in_order(curriculum.train_on, datasets))
    return "; ".join(filter(None, (first, f"tuned on {tuned}" if tuned else ""))) or "nothing"
