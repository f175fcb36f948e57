"""From measures to tidy rows and from curves to tidy points."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import pandas as pd

from unispace.evaluation.measure import Measure
from unispace.records.results import CURVE_SCHEMA, PAIR_SAMPLES_SCHEMA, SAMPLES_SCHEMA, SCHEMA

if TYPE_CHECKING:
    from numpy.typing import NDArray


# The columns that name a model.
_ENDS = ("model", "source", "target")


@dataclasses.dataclass(frozen=True)
class Cell:
    """What a number is about.

    Attributes:
        study, experiment, dataset, protocol: as in the tidy results.
        model: backbone/curriculum/seedN, or None for a pair.
        source, target, method: of a map, or None.
        fitted_on: the data set that the map was fitted on, or None.
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
    fitted_on: str | None = None


def rows(cell: Cell, measures: Iterable[Measure]) -> pd.DataFrame:
    """One row a measure; a failed one keeps its row, with empty numbers and the reason.

    Column `samples`, behind those of the tidy results, holds the metric of every resample, or None.
    """
    about = dataclasses.asdict(cell)
    found = [{**about, **dataclasses.asdict(measure)} for measure in measures]
    columns = [*SCHEMA.names, "samples"]
    return pd.DataFrame(found, columns=columns).astype({"chance": float, "samples": object})


def samples_of(tables: Iterable[pd.DataFrame]) -> pd.DataFrame:
    """The metrics of every resample as tidy rows, from what `rows` gives; failed cells have none."""
    keys = [name for name in SAMPLES_SCHEMA.names if name not in ("resample", "value")]
    parts = [
        pd.DataFrame({"resample": range(len(row["samples"])), "value": row["samples"]}).assign(
            **{key: row[key] for key in keys}
        )
        for table in tables
        for row in table.to_dict("records")
        if row["samples"] is not None
    ]
    empty = SAMPLES_SCHEMA.empty_table().to_pandas()
    return pd.concat(parts, ignore_index=True)[SAMPLES_SCHEMA.names] if parts else empty


def pair_samples_of(tables: Iterable[pd.DataFrame]) -> pd.DataFrame:
    """The metrics of every resample of maps, a row a metric, from what `rows` gives; failed cells have none."""
    keys = list(PAIR_SAMPLES_SCHEMA.names)
    found = pd.concat([table[keys] for table in tables], ignore_index=True)
    return found[found["samples"].notna()].reset_index(drop=True)


def blanked(frame: pd.DataFrame, failures: Mapping[str, str]) -> pd.DataFrame:
    """Tidy rows without the numbers of failed models, which say why they have none, whatever else failed in them.

    Args:
        frame: tidy rows.
        failures: why models failed, by their name; a row of a pair fails with either end.
    """
    frame = frame.copy()
    for end in _ENDS:
        for model, why in failures.items():
            here = frame[end] == model
            frame.loc[here, ["value", "lower", "upper"]] = math.nan
            about = why if end == "model" else f"{model}: {why}"
            frame.loc[here, "status"] = f"failed: {about}"
    return frame


def of_whole(curves: pd.DataFrame, failures: Mapping[str, str]) -> pd.DataFrame:
    """The points of curves that no failed model has a part in."""
    return curves[~curves[list(_ENDS)].isin(list(failures)).any(axis=1)].reset_index(drop=True)


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
