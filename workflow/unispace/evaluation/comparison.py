"""Two runs side by side: every cell of the tidy results, what it changed by, and that against its interval.

The interval of a cell says how far sampling other identities could move it. Two runs are mostly tested on the same
images, so a change within the interval need not be chance, and one beyond it is more than other images would make. What is
significant says a paired test of two models in one study (experiment `change`); this comparison says where to look.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from unispace.records.golden import KEYS

EQUAL, MOVED, BEYOND = "equal", "within the interval", "beyond the interval"
ONLY_A, ONLY_B, FAILS_A, FAILS_B, FAIL_BOTH = (
    "only in A", "only in B", "fails in A alone", "fails in B alone", "fails in both",
)  # fmt: skip
KINDS = (EQUAL, MOVED, BEYOND, FAILS_A, FAILS_B, FAIL_BOTH, ONLY_A, ONLY_B)
"""What can be said of a cell."""
_SIDES = ["value", "lower", "upper", "n", "status"]


def compare_runs(first: pd.DataFrame, second: pd.DataFrame) -> pd.DataFrame:
    """Every cell of two runs, A and B.

    Args:
        first: tidy rows of A, each cell once.
        second: of B.

    Returns:
        Columns `KEYS` (empty texts where there is nothing); value, lower, upper, n and status with `_a` and `_b`; `change`,
        B minus A; `half_width`, the wider half of the two intervals; `size`, the change in these, infinite where a value
        changed that has no interval; `kind`, one of `KINDS`. Sorted: the largest size first, then by `KEYS`.

    Raises:
        ValueError: where a cell stands twice in a run.
    """
    sides = []
    for name, table in (("A", first), ("B", second)):
        rows = table[[*KEYS, *_SIDES]].copy()
        rows[KEYS] = rows[KEYS].fillna("").astype(str)
        if rows.duplicated(KEYS).any():
            raise ValueError(f"{int(rows.duplicated(KEYS).sum())} cells stand twice in run {name}")
        sides.append(rows)
    both = sides[0].merge(sides[1], on=KEYS, how="outer", suffixes=("_a", "_b"), indicator=True)
    both["change"] = both["value_b"] - both["value_a"]
    widths = np.column_stack([(both[f"upper_{s}"] - both[f"lower_{s}"]) / 2 for s in "ab"])
    both["half_width"] = np.fmax(widths[:, 0], widths[:, 1])
    change, width = both["change"].abs().to_numpy(), both["half_width"].fillna(0).to_numpy()
    size = np.divide(change, width, out=np.full(len(both), np.inf), where=width > 0)
    both["size"] = np.where(change == 0, 0.0, np.where(np.isnan(change), np.nan, size))
    fails_a, fails_b = both["status_a"] != "ok", both["status_b"] != "ok"
    both["kind"] = np.select(
        [
            both["_merge"] == "left_only",
            both["_merge"] == "right_only",
            fails_a & fails_b,
            fails_a,
            fails_b,
            both["size"] == 0,
            both["size"] <= 1,
        ],
        [ONLY_A, ONLY_B, FAIL_BOTH, FAILS_A, FAILS_B, EQUAL, MOVED],
        BEYOND,
    )
    order = ["size", *KEYS]
    return both.drop(columns="_merge").sort_values(
        order, ascending=[False, *[True] * len(KEYS)], ignore_index=True
    )


def by_metric(compared: pd.DataFrame) -> pd.DataFrame:
    """What became of all cells of an experiment, data set and metric together.

    Args:
        compared: as `compare_runs` gives it.

    Returns:
        A row for each with numbers of cells by kind, `cells`, `change` (mean over the cells with two values, NaN without)
        and `size` (the largest, NaN without); the largest first.
    """
    keys = ["experiment", "dataset", "metric"]
    counts = compared.groupby([*keys, "kind"]).size().unstack(fill_value=0)
    counts = counts.reindex(columns=list(KINDS), fill_value=0)
    sizes = compared.groupby(keys).agg(
        cells=("kind", "size"), change=("change", "mean"), size=("size", "max")
    )
    return counts.join(sizes).reset_index().sort_values(
        ["size", *keys], ascending=[False, True, True, True], ignore_index=True
    )  # fmt: skip


def only_in_one(compared: pd.DataFrame) -> dict[str, tuple[list[str], list[str]]]:
    """Models, data sets, maps and so on that one run has and the other has not.

    Returns:
        By column, where there is any: the names that stand in A alone, and those in B alone, sorted.
    """
    found = {}
    for name in ("experiment", "model", "method", "fitted_on", "dataset", "protocol", "metric"):
        columns = ("model", "source", "target") if name == "model" else (name,)
        sets = [
            {x for c in columns for x in compared.loc[compared[f"status_{s}"].notna(), c] if x}
            for s in "ab"
        ]
        apart = sorted(sets[0] - sets[1]), sorted(sets[1] - sets[0])
        if any(apart):
            found[name] = apart
    return found


def settings_apart(
    first: Mapping[str, Any], second: Mapping[str, Any]
) -> list[tuple[str, str, str]]:
    """Keys of two studies that differ: dotted key, its value in A and in B; empty texts where it is missing."""
    flat = [_flat(settings) for settings in (first, second)]
    keys = list(dict.fromkeys([*flat[0], *flat[1]]))
    rows = [(key, flat[0].get(key, ""), flat[1].get(key, "")) for key in keys]
    return [row for row in rows if row[1] != row[2]]


def _flat(settings: Any, path: str = "") -> dict[str, str]:
    """Every value by its dotted key; lists whole, since their entries have no names."""
    if not isinstance(settings, Mapping) or not settings:
        return {path: _text(settings)}
    found: dict[str, str] = {}
    for key, value in settings.items():
        found |= _flat(value, f"{path}.{key}" if path else str(key))
    return found


def _text(value: Any) -> str:
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "null"}[value]
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{k}: {_text(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_text(one) for one in value) + "]"
    return str(value)
