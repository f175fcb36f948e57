"""From measures to tidy rows and from curves to tidy points."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import TYPE_CHECKING

import pandas as pd

from unispace.evaluation.measure import Measure
from unispace.records.results import CURVE_SCHEMA, SCHEMA

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclasses.dataclass(frozen=True)
class Cell:
    """What a number is about.

    Attributes:
        study, experiment, dataset, protocol: as in the tidy results.
        model: backbone/curriculum/seedN, or None for a pair.
        source, target, method: of a map, or None.
        seed: of the intervals.
        origin: hash of everything that the number comes from.
    """

    study: str
    dataset: str
    seed: int
    origin: str
    experiment: str = ""
    protocol: str = ""
    model: str | None = None
    source: str | None = None
    target: str | None = None
    method: str | None = None


def rows(cell: Cell, measures: Iterable[Measure]) -> pd.DataFrame:
    """One row a measure; a failed one keeps its row, with empty numbers and the reason."""
    about = dataclasses.asdict(cell)
    found = [{**about, **dataclasses.asdict(measure)} for measure in measures]
    return pd.DataFrame(found, columns=list(SCHEMA.names)).astype({"chance": float})


def points(
    cell: Cell,
    x: NDArray,
    y: NDArray,
    lower: NDArray | None = None,
    upper: NDArray | None = None,
) -> pd.DataFrame:
    """One row a point of a curve."""
    about = {k: v for k, v in dataclasses.asdict(cell).items() if k in CURVE_SCHEMA.names}
    frame = pd.DataFrame({"x": x, "y": y, "lower": lower, "upper": upper})
    return frame.assign(**about)[list(CURVE_SCHEMA.names)].astype(
        {"x": float, "y": float, "lower": float, "upper": float}
    )
