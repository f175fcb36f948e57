"""Tidy rows by what they are about, as cells: levels of models, and changes between two of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Mapping
from typing import Any

import pandas as pd

from unispace.config.study import Study
from unispace.evaluation.changes import Verdict, verdict
from unispace.evaluation.tasks import task_numbers
from unispace.records.rows import rows_of_frame
from unispace.reporting.roles import task_metric
from unispace.reporting.tables import Cell, cell_of, change_of

CHANGE = "change"
PAIRED = "paired"
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
        for row in rows_of_frame(results[results["model"].notna()]):
            key = (row["model"], row["dataset"], row["metric"])
            if row["experiment"] != CHANGE:
                self._levels[key].append(row)
                continue
            key = (*key, row["source"], row["protocol"])
            if key in self._changes:
                raise ValueError(f"several changes for one cell: {key}")
            self._changes[key] = row

    def level(
        self, model: str, dataset: str, metric: str, split: str = "", protocol: str | None = None
    ) -> _Record | None:
        """The row of a model; of several protocols the one that stands for the metric.

        Args:
            model: its name.
            dataset: where it was tested.
            metric: what was measured.
            split: `held_out`, or empty for the tested split.
            protocol: this one instead.

        Raises:
            ValueError: where two rows claim one cell, since one of them would be hidden.
        """
        rows = self._levels.get((model, dataset, metric), [])
        if protocol is None:
            found = [r for r in rows if self._stands(r, split)]
        else:
            found = [r for r in rows if r["protocol"] == protocol]
        if len(found) > 1:
            raise ValueError(f"{len(found)} rows for one cell: {(model, dataset, metric, split)}")
        return found[0] if found else None

    def _stands(self, row: _Record, split: str) -> bool:
        """Whether a row stands for its metric on a split of its data set."""
        domain = self._study.datasets[row["dataset"]].domain
        return any(
            number.metric == row["metric"] and number.further(row["protocol"]) == split
            for number in task_numbers(domain, self._study.evaluation)
        )

    def change(
        self, model: str, reference: str, dataset: str, metric: str, split: str = ""
    ) -> _Record | None:
        """The row of the paired difference, model minus reference."""
        protocol = f"{PAIRED}/{split}" if split else PAIRED
        return self._changes.get((model, dataset, metric, reference, protocol))

    def cell(
        self, model: str, dataset: str, metric: str, split: str = "", protocol: str | None = None
    ) -> Cell | None:
        """The level as it is shown."""
        row = self.level(model, dataset, metric, split, protocol)
        return None if row is None else cell_of(row)

    def change_cell(
        self, model: str, reference: str, dataset: str, metric: str, split: str = ""
    ) -> Cell | None:
        """The change as it is shown, in points."""
        row = self.change(model, reference, dataset, metric, split)
        return None if row is None else change_of(row)

    def verdict(self, model: str, reference: str, dataset: str, metric: str) -> Verdict | None:
        """Whether a model holds the level of its reference; None where the two were not compared."""
        row = self.change(model, reference, dataset, metric)
        if row is None or row["status"] != "ok":
            return None
        margins = {str(name): margin for name, margin in self._study.evaluation.margins.items()}
        return verdict(row["lower"], row["upper"], margins[metric])

    def main_metric(self, dataset: str) -> str:
        """The metric that stands for a data set."""
        return task_metric(self._study.datasets[dataset].domain)
