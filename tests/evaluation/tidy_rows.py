"""Tidy rows by hand, for tests that need a few of them."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from unispace.records.results import SCHEMA

USUAL: dict[str, Any] = {
    "study": "tiny", "experiment": "verification", "model": "m/base/seed0", "source": None, "target": None,
    "method": None, "fitted_on": None, "dataset": "faces", "protocol": "all-pairs", "metric": "AUC", "value": 0.8,
    "lower": 0.7, "upper": 0.9, "chance": 0.5, "n": 1000, "unit": "identity", "seed": 1, "status": "ok", "origin": "x",
}  # fmt: skip


def row(**about: Any) -> dict[str, Any]:
    """A row that is as usual but for what is said."""
    return USUAL | about


def failed(why: str, **about: Any) -> dict[str, Any]:
    """A row without numbers."""
    none = dict.fromkeys(("value", "lower", "upper"), math.nan)
    return USUAL | none | {"status": f"failed: {why}"} | about


def table(*rows: dict[str, Any]) -> pd.DataFrame:
    """Rows as tidy results."""
    return pd.DataFrame(list(rows), columns=SCHEMA.names)
