"""Tidy rows by what they are about, as cells: levels of models, and changes between two of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Mapping
from typing import Any, Literal

import pandas as pd

from unispace.config.study import Study
from unispace.reporting.roles import task_metric
from unispace.reporting.tables import Cell, cell, change_cell

HELD_OUT = "/held_out"
CHANGE = "change"
Verdict = Literal["equivalent", "non-inferior", "worse", "undecided", ""]
VERDICTS = {
    "equivalent": "within the margin",
    "non-inferior": "not below the margin",
    "worse": "below the margin",
    "undecided": "undecided",
    "": "",
}
_Record = Mapping[Hashable, Any]


class Numbers:
    """What was measured of single models, to be looked up.

    Args:
        results: tidy rows; of experiment `change`, `model` is compared with `source`.
        study: says which protocol stands for a data set where there are several.
    """

    def __init__(self, results: pd.DataFrame, study: Study) -> None:
        self._study = study
        self._levels: dict[tuple[str, ...], list[_Record]] = defaultdict(list)
        self._changes: dict[tuple[str, ...], _Record] = {}
        for row in results[results["model"].notna()].to_dict("records"):
            held = str(row["protocol"]).endswith(HELD_OUT)
            key = (row["model"], row["dataset"], row["metric"], HELD_OUT if held else "")
            if row["experiment"] != CHANGE:
                self._levels[key].append(row)
                continue
            key = (*key, row["source"])
            if key in self._changes:
                raise ValueError(f"several changes for one cell: {key}")
            self._changes[key] = row

    def level(
        self, model: str, dataset: str, metric: str, split: str = "", protocol: str | None = None
    ) -> _Record | None:
        """The row of a model; of several protocols the one that stands for the metric.

        Args:
            model, dataset, metric: what is looked up.
            split: `HELD_OUT`, or empty for the tested split.
            protocol: this one instead.

        Raises:
            ValueError: where two rows claim one cell, since one of them would be hidden.
        """
        rows = self._levels.get((model, dataset, metric, split), [])
        wanted = self._standing(metric) if protocol is None else (protocol,)
        for name in wanted:
            found = [r for r in rows if _plain(r["protocol"]) == name]
            if len(found) > 1:
                raise ValueError(f"{len(found)} rows for one cell: {(model, dataset, metric, name)}")
            if found:
                return found[0]
        return None

    def _standing(self, metric: str) -> tuple[str, ...]:
        evaluation = self._study.evaluation
        if metric == "top-1":
            near = f"knn-{evaluation.neighbours}"
            return (near, f"{near}-loo")
        if metric.startswith("Rank-"):
            return (evaluation.identification[0],)
        return ("all-pairs", *evaluation.verification)

    def change(
        self, model: str, reference: str, dataset: str, metric: str, split: str = ""
    ) -> _Record | None:
        """The row of the paired difference, model minus reference."""
        return self._changes.get((model, dataset, metric, split, reference))

    def cell(
        self, model: str, dataset: str, metric: str, split: str = "", protocol: str | None = None
    ) -> Cell | None:
        """The level as it is shown."""
        row = self.level(model, dataset, metric, split, protocol)
        return None if row is None else cell(*_values(row))

    def change_cell(
        self, model: str, reference: str, dataset: str, metric: str, split: str = ""
    ) -> Cell | None:
        """The change as it is shown, in points."""
        row = self.change(model, reference, dataset, metric, split)
        return None if row is None else change_cell(*_values(row))

    def verdict(self, model: str, reference: str, dataset: str, metric: str) -> Verdict:
        """Whether a model holds the level of its reference; empty where the two were not compared."""
        row = self.change(model, reference, dataset, metric)
        margin = self._study.evaluation.margins.get(metric)
        if row is None or row["status"] != "ok" or margin is None:
            return ""
        return verdict(row["lower"], row["upper"], margin)

    def main_metric(self, dataset: str) -> str:
        """The metric that stands for a data set."""
        return task_metric(self._study.datasets[dataset].domain)


def verdict(lower: float, upper: float, margin: float) -> Verdict:
    """What a 95 % interval of a change says about a margin of equivalence.

    `equivalent`: the interval lies within the margin on both sides. `non-inferior`: its lower end does, its upper
    does not. `worse`: the whole interval lies below the margin. `undecided`: the lower end of the margin is in it.
    """
    if lower > -margin:
        return "equivalent" if upper < margin else "non-inferior"
    return "worse" if upper < -margin else "undecided"


def _plain(protocol: str) -> str:
    return protocol.removesuffix(HELD_OUT).removesuffix("-cross-camera")


def _values(row: _Record) -> tuple[float, float, float, int, str]:
    return row["value"], row["lower"], row["upper"], int(row["n"]), str(row["status"])
