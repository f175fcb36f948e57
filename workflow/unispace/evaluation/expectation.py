"""Which cells of a study are held to what was expected, and in what form.

Every row of the tidy results takes part. Most are expected one by one. Two kinds are too many to be read by anybody, and
are expected together, as their mean:

- maps of single pairs of models, and of families of them (`PAIRS`): all pairs of one method, fitting, data set, protocol
  and metric, `*` standing for both models;
- variants of attack detection (a part of the attacks, another data set, thresholds of the development data): all models,
  `*` standing for them.

Of cells together, `value`, `lower` and `upper` are the means of those of the cells that did not fail, `n` is how many
cells there are, and the status says how many failed. So a cell that is lost, new or failed is noticed wherever it is, and a
map that went wrong as far as it moves the mean.
"""

from __future__ import annotations

import pandas as pd

from unispace.evaluation.tasks import ATTACK_DETECTION
from unispace.records.golden import GOLDEN_SCHEMA, KEYS, NUMBERS

ALL = "*"
"""Stands in place of a model where cells are expected together."""

PAIRS = ("verification", "identification", "paper", "families", "families-paper", "similarity", "centroids", "geometry")  # fmt: skip
"""Experiments with a cell for every pair of models, or of their families."""

_DIGITS = 6
_PARTS = ["experiment", "method", "fitted_on", "dataset", "protocol", "metric"]


def expectation(results: pd.DataFrame) -> pd.DataFrame:
    """The cells of a study as they are expected.

    Args:
        results: tidy rows of one study.

    Returns:
        Columns of `GOLDEN_SCHEMA`, sorted by what tells cells apart; numbers have six digits.

    Raises:
        ValueError: where two rows are about one cell.
    """
    rows = results[GOLDEN_SCHEMA.names].copy()
    rows[KEYS] = rows[KEYS].fillna("").astype(str)
    twice = rows[rows.duplicated(KEYS)]
    if len(twice):
        raise ValueError(
            f"{len(twice)} cells stand twice in the results, such as {tuple(twice.iloc[0])}"
        )
    pairs = rows["experiment"].isin(PAIRS) & (rows["source"] != "") & (rows["target"] != "")
    variants = (rows["experiment"] == ATTACK_DETECTION) & (
        rows["protocol"].str.contains("/", regex=False) | rows["metric"].str.endswith("-of-val")
    )
    parts = [
        rows[~pairs & ~variants],
        _together(rows[pairs]).assign(model="", source=ALL, target=ALL),
        _together(rows[variants]).assign(model=ALL, source="", target=""),
    ]
    found = pd.concat([part[GOLDEN_SCHEMA.names] for part in parts if len(part)] or [rows])
    for name in NUMBERS:
        found[name] = [rounded(float(number)) for number in found[name]]
    return found.sort_values(KEYS, ignore_index=True)


def rounded(number: float) -> float:
    """Six digits of a number, all of a whole one: what is compared, so that a file holds no more."""
    return number if number.is_integer() else float(f"{number:.{_DIGITS}g}")


def _together(rows: pd.DataFrame) -> pd.DataFrame:
    """One row for all cells that differ in nothing but their models."""
    if rows.empty:
        return rows
    whole = rows.assign(failed=rows["status"] != "ok")
    # Of a failed cell there is no number, so means are of the others.
    whole.loc[whole["failed"], NUMBERS] = float("nan")
    found = whole.groupby(_PARTS, as_index=False).agg(
        value=("value", "mean"),
        lower=("lower", "mean"),
        upper=("upper", "mean"),
        n=("failed", "size"),
        failed=("failed", "sum"),
    )
    found["status"] = [
        "ok" if not failed else f"failed: {failed} of {n} cells"
        for failed, n in zip(found["failed"], found["n"], strict=True)
    ]
    return found
