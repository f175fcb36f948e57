"""From measures to tidy rows and from curves to tidy points."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
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
    return rows_of_cells((cell, measure) for measure in measures)


def rows_of_cells(found: Iterable[tuple[Cell, Measure]]) -> pd.DataFrame:
    """As `rows`, of many cells at once: a frame for each takes a hundred times as long."""
    found, names = list(found), [*SCHEMA.names, "samples"]
    if not found:
        return pd.DataFrame(columns=names, dtype=object).astype({"chance": float})
    # Column by column: a frame from a dictionary for each row takes four times as long.
    columns: dict[str, Any] = {
        field.name: [getattr(part[place], field.name) for part in found]
        for place, kind in enumerate((Cell, Measure))
        for field in dataclasses.fields(kind)
    }
    samples = np.empty(len(found), object)
    samples[:] = columns["samples"]
    chances = [math.nan if chance is None else chance for chance in columns["chance"]]
    columns |= {"samples": samples, "chance": np.array(chances, float)}
    return pd.DataFrame({name: columns[name] for name in names})


def samples_of(tables: Iterable[pd.DataFrame]) -> pd.DataFrame:
    """The metrics of every resample as tidy rows, from what `rows` gives; failed cells have none."""
    keys = [name for name in SAMPLES_SCHEMA.names if name not in ("resample", "value")]
    rows = [
        row for table in tables for row in table.to_dict("records") if row["samples"] is not None
    ]
    if not rows:
        return SAMPLES_SCHEMA.empty_table().to_pandas()
    # Column by column: a frame for each row takes ten times as long.
    sizes = [len(row["samples"]) for row in rows]
    columns: dict[str, Any] = {key: np.repeat([row[key] for row in rows], sizes) for key in keys}
    columns["resample"] = np.concatenate([np.arange(size) for size in sizes])
    columns["value"] = np.concatenate([np.asarray(row["samples"], float) for row in rows])
    return pd.DataFrame({name: columns[name] for name in SAMPLES_SCHEMA.names})


def pair_samples_of(tables: Iterable[pd.DataFrame]) -> pd.DataFrame:
    """The metrics of every resample of maps, a row a metric, from what `rows` gives; failed cells have none."""
    keys = list(PAIR_SAMPLES_SCHEMA.names)
    found = pd.concat([table[keys] for table in tables], ignore_index=True)
    return found[found["samples"].notna()].reset_index(drop=True)


def with_samples(measured: pd.DataFrame, samples: pd.DataFrame) -> pd.DataFrame:
    """Tidy rows of maps with a column `samples`: the metric of every resample, None where there is none.

    Args:
        measured: tidy rows of maps, each cell once.
        samples: what `pair_samples_of` gave for them.

    Raises:
        pandas.errors.MergeError: a cell stands twice in one of the two.
    """
    keys = [name for name in PAIR_SAMPLES_SCHEMA.names if name != "samples"]
    joined = measured.merge(samples, on=keys, how="left", validate="one_to_one")
    joined["samples"] = joined["samples"].where(joined["samples"].notna(), None)
    return joined


def blanked(frame: pd.DataFrame, failures: Mapping[str, str]) -> pd.DataFrame:
    """Tidy rows without the numbers of failed models, which say why they have none, whatever else failed in them.

    Args:
        frame: tidy rows, or points of curves, which may lack a column that names a model.
        failures: why models failed, by their name; a row of a pair fails with either end.
    """
    frame = frame.copy()
    numbers = [name for name in ("value", "std", "lower", "upper") if name in frame]
    for end in (name for name in _ENDS if name in frame):
        for model, why in failures.items():
            here = frame[end] == model
            frame.loc[here, numbers] = math.nan
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
    return points_of_curves([Curve(cell, x, y, lower, upper)])


class Curve(NamedTuple):
    """Points `(k,)` of a curve, with the ends of their intervals where they have some."""

    cell: Cell
    x: NDArray
    y: NDArray
    lower: NDArray | None = None
    upper: NDArray | None = None


def points_of_curves(curves: Sequence[Curve]) -> pd.DataFrame:
    """As `points`, of one or many curves at once: a frame for each takes far longer."""
    sizes = [len(curve.x) for curve in curves]
    columns: dict[str, Any] = {}
    for name in CURVE_SCHEMA.names:
        if name in ("x", "y", "lower", "upper"):
            parts = [getattr(curve, name) for curve in curves]
            columns[name] = np.concatenate(
                [
                    np.full(size, math.nan) if part is None else np.asarray(part, float)
                    for part, size in zip(parts, sizes, strict=True)
                ]
            )
            continue
        told = [getattr(curve.cell, name) for curve in curves]
        if len(set(told)) == 1:
            columns[name] = told[0]
        else:
            columns[name] = np.repeat(np.array(told, object), sizes)
    return pd.DataFrame(columns, index=range(sum(sizes)))
