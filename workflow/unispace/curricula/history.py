"""What happened in a training, step by step."""

from __future__ import annotations

from array import array
from collections.abc import Sequence

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from unispace.records.models import HISTORY_SCHEMA, MEASURES, TIMING_SCHEMA

_COLUMNS = 5


class History:
    """Rows of step, data set, other data set, measure and value, and beside them how fast it went.

    Attributes:
        datasets: names that rows may have.
    """

    def __init__(self, datasets: Sequence[str]) -> None:
        self.datasets = tuple(datasets)
        # Numbers only, as many as a long training has: forty bytes a row.
        self._rows = array("d")
        self._timing: list[tuple[int, float, float]] = []

    def add(
        self, step: int, dataset: str, measure: str, value: float, other: str | None = None
    ) -> None:
        """Add a row; `step` counts from 1, 0 is before the first."""
        second = -1 if other is None else self.datasets.index(other)
        names = self.datasets.index(dataset), MEASURES.index(measure), second
        self._rows.extend((step, *names, value))

    def add_timing(self, step: int, seconds: float, images_per_second: float) -> None:
        """Add how far a training is after some seconds."""
        self._timing.append((step, seconds, images_per_second))

    def state(self) -> Tensor:
        """The rows as `(n, 5)`, float64; how fast it went is no part of them."""
        return torch.tensor(self._rows, dtype=torch.float64).view(-1, _COLUMNS)

    def restore(self, state: Tensor) -> None:
        """Take up the rows of an unfinished training."""
        self._rows = array("d", state.flatten().tolist())

    def table(self) -> pd.DataFrame:
        """The rows by data set, measure, other data set and step."""
        rows = np.array(self._rows).reshape(-1, _COLUMNS)
        rows = rows[np.lexsort((rows[:, 0], rows[:, 3], rows[:, 2], rows[:, 1]))]
        # The last place stands for no other data set.
        names = np.array([*self.datasets, None], dtype=object)
        frame = pd.DataFrame(
            {
                "step": rows[:, 0].astype(np.int64),
                "dataset": names[rows[:, 1].astype(int)],
                "other": names[rows[:, 3].astype(int)],
                "measure": np.array(MEASURES, dtype=object)[rows[:, 2].astype(int)],
                "value": rows[:, 4],
            }
        )
        return frame[HISTORY_SCHEMA.names]

    def timing(self) -> pd.DataFrame:
        """How fast it went since the training was started or taken up again."""
        frame = pd.DataFrame(self._timing, columns=pd.Index(TIMING_SCHEMA.names))
        return frame.astype(
            {name: TIMING_SCHEMA.field(name).type.to_pandas_dtype() for name in frame}
        )
