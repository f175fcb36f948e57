"""How far results are from what was expected, against what they may differ by.

The allowance of a value is the largest of three numbers:

- **a share of its interval**, `INTERVAL_SHARE` of the half-width. The same images are tested, so sampling them is no source of
  drift and the whole half-width would be far too much; what remains is arithmetic that differs between machines, and
  trainings that amplify it. A tenth is a twentieth of a standard error of 1.96 to either side: no verdict of a page turns on it.
- **a floor** for its kind (`FLOORS`), below which a difference means nothing, however narrow the interval is.
- **one item**, 1/n, of what counts items: such a value moves in steps, and a smaller allowance would be none at all.

A value exactly at its allowance passes. Both ends of the interval may move by twice as much, since they rest on resamples:
an interval that suddenly is narrower is as wrong as a value. Numbers of items must be equal.

Nothing is excused: cells that are lost, new, failed or without a number stop, and so do those that became better, or no
longer fail. What is right is accepted, with a reason.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from unispace.evaluation.expectation import ALL
from unispace.records.golden import KEYS, NUMBERS

INTERVAL_SHARE = 0.1
"""Of the half-width of the expected interval."""
ENDS = 2.0
"""How much further the ends of an interval may move than its value."""

FLOORS: tuple[tuple[str, float, str], ...] = (
    (r"-p$", 0.02, "a p value from some thousand permutations"),
    (r"^(Identities|Pairs)@|^parameters$", 1.0, "a count"),
    (r"^effective rank$", 0.05, "an effective rank, a number of dimensions"),
    (r"^(GELO|log spread|scatter)", 0.005, "a ratio or a logarithm, not bound to 0 to 1"),
    (r"", 0.001, "a share, an area, a correlation: a tenth of a point"),
)
"""The smallest allowance by metric, first match, with what it is for."""

_COUNTED = re.compile(
    r"^(gain in )?(Rank-\d|top-\d|accuracy|balanced-accuracy|mAP|AUC|EER|TMR@|FNIR|DIR@|D-EER|APCER|BPCER|ACER|HTER)"
    r"|^agreement$|^composed - direct$|taken for"
)
"""Metrics that are a share of items, or move as one does; a change or a gain of one moves by the same steps."""

LOST, NEW, FAILED, MENDED = "lost", "new", "failed", "no longer fails"
REASON, NOT_A_NUMBER, ITEMS, VALUE, INTERVAL = (
    "fails otherwise", "not a number", "other n", "value", "interval",
)  # fmt: skip
KINDS = (LOST, NEW, FAILED, NOT_A_NUMBER, MENDED, REASON, ITEMS, VALUE, INTERVAL)
"""What can be wrong with a cell; of several things the first one is told."""


@dataclass(frozen=True)
class Drift:
    """A cell that is not as expected.

    Attributes:
        key: what tells the cell apart, by the names of `KEYS`.
        kind: one of `KINDS`.
        before, after: value and n as expected and as found; NaN and 0 where there is none.
        status: as found, or as expected where the cell is lost.
        change: of the value; of the end that moved further for `interval`; NaN where there are not two numbers.
        allowance: what it may be; NaN where any difference is too much.
    """

    key: Mapping[str, str]
    kind: str
    before: float
    after: float
    n_before: int
    n_after: int
    status: str
    change: float
    allowance: float

    @property
    def size(self) -> float:
        """The change in allowances; infinite where nothing is allowed."""
        return math.inf if math.isnan(self.allowance) else abs(self.change) / self.allowance

    @property
    def name(self) -> str:
        """The cell in words, without what is empty."""
        ends = " to ".join(self.key[end] for end in ("source", "target") if self.key[end])
        what = (self.key["model"], ends, self.key["method"])
        fitted = f"fitted on {self.key['fitted_on']}" if self.key["fitted_on"] else ""
        parts = (self.key["experiment"], *what, fitted, self.key["dataset"], self.key["protocol"])
        return ", ".join(part for part in (*parts, self.key["metric"]) if part)


def allowance(metric: str, half_width: float, n: int, *, together: bool = False) -> float:
    """What a value may differ by from the expected one.

    Args:
        metric: its name.
        half_width: of the expected interval; NaN where there is none.
        n: items behind the value.
        together: whether it is the mean of several cells, which moves in no steps.
    """
    floor = next(least for pattern, least, _ in FLOORS if re.search(pattern, metric))
    width = 0.0 if math.isnan(half_width) else INTERVAL_SHARE * half_width
    # Both values are rounded to six digits, and an item must pass all the same.
    item = 1 / n + 1e-6 if n > 0 and not together and _COUNTED.search(metric) else 0.0
    # What is exactly at its allowance may be a bit of the computer beyond it.
    return max(floor, width, item) * (1 + 1e-9)


def drifts(expected: pd.DataFrame, found: pd.DataFrame) -> list[Drift]:
    """All cells that are not as expected.

    Args:
        expected: as `expectation` gives it, each cell once.
        found: likewise.

    Returns:
        The largest drift first: what has no size before what has one, and in the order of `KINDS`.
    """
    both = expected.merge(found, on=KEYS, how="outer", suffixes=("_was", "_is"), indicator=True)
    seen = [
        drift
        for row in both.to_dict("records")
        if (drift := _drift({str(name): cell for name, cell in row.items()})) is not None
    ]
    return sorted(seen, key=lambda d: (-d.size, KINDS.index(d.kind), *d.key.values()))


def _drift(row: Mapping[str, object]) -> Drift | None:
    """What is wrong with one cell of both tables; None where nothing is."""
    key = {name: str(row[name]) for name in KEYS}
    was, now = (_Side.of(row, side) for side in ("was", "is"))

    def drift(kind: str, change: float = math.nan, most: float = math.nan) -> Drift:
        told = was if kind == LOST else now
        return Drift(
            key, kind, was.value, now.value, was.n, now.n, told.status, change, most
        )  # fmt: skip

    if row["_merge"] != "both":
        return drift(LOST if row["_merge"] == "left_only" else NEW)
    if was.status != now.status:
        if now.status == "ok":
            return drift(MENDED)
        return drift(FAILED if was.status == "ok" else REASON)
    if now.status == "ok" and math.isnan(now.value):
        return drift(NOT_A_NUMBER)
    if was.n != now.n:
        return drift(ITEMS)
    if math.isnan(was.value) != math.isnan(now.value):
        return drift(NOT_A_NUMBER)
    if math.isnan(was.value):
        return None
    together = ALL in (key["model"], key["source"])
    most = allowance(key["metric"], (was.upper - was.lower) / 2, was.n, together=together)
    if abs(now.value - was.value) > most:
        return drift(VALUE, now.value - was.value, most)
    ends = [(was.lower, now.lower), (was.upper, now.upper)]
    if any(math.isnan(a) != math.isnan(b) for a, b in ends):
        return drift(INTERVAL)
    moved = max((b - a for a, b in ends if not math.isnan(a)), key=abs, default=0.0)
    return drift(INTERVAL, moved, ENDS * most) if abs(moved) > ENDS * most else None


@dataclass(frozen=True)
class _Side:
    """One of the two tables in a row of both."""

    value: float
    lower: float
    upper: float
    n: int
    status: str

    @classmethod
    def of(cls, row: Mapping[str, object], side: str) -> _Side:
        value, lower, upper = (_number(row[f"{name}_{side}"]) for name in NUMBERS)
        n, status = _number(row[f"n_{side}"]), row[f"status_{side}"]
        absent = not isinstance(status, str)
        return cls(value, lower, upper, 0 if absent else int(n), "" if absent else str(status))


def _number(cell: object) -> float:
    return float(cell) if isinstance(cell, int | float) else math.nan
