"""Histories of training as figures read them: put together, and smoothed for the eye."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from unispace.records.models import HISTORY_SCHEMA

WINDOW = 15


def joined(tables: Sequence[pd.DataFrame], names: Sequence[str]) -> pd.DataFrame:
    """All histories in one table, with a column `model`."""
    parts = [t.assign(model=name) for t, name in zip(tables, names, strict=True) if len(t)]
    columns = [*HISTORY_SCHEMA.names, "model"]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=columns)


def smoothed(history: pd.DataFrame, by: Sequence[str]) -> pd.Series:
    """A running median of `value` in each group; of fewer points than make four windows, the values themselves.

    A guide to the eye beside the raw values, not a result: it is read nowhere else.
    """
    return history.groupby(list(by), dropna=False)["value"].transform(
        lambda value: (
            value.rolling(WINDOW, center=True, min_periods=1).median()
            if len(value) >= 4 * WINDOW
            else value
        )
    )
