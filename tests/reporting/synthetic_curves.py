"""Points of curves of maps as the commands write them, with numbers drawn at random."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np
import pandas as pd

from unispace.config.map_curves import Efficiency, Security
from unispace.config.methods import CEILING

D = 16
FAILED = "failed: seed 42: all source vectors are equal; there is nothing to map"


def efficiency_table(settings: Efficiency, dataset: str, rng: np.random.Generator) -> pd.DataFrame:
    """Points over sizes; the last method fails at its first size by images."""
    sizes = [("identities", k) for k in (2, 4, 8)] + [("images", k) for k in (8, 16, 17, 32, 64)]
    rows = []
    for pair in settings.pairs or ():
        flat = [(name, ("identities", 8)) for name in ("baseline", CEILING)]
        for method, (by, size) in [*flat, *itertools.product(settings.methods or (), sizes)]:
            about = {"by": by, "size": size, "identities": size, "images": size, "method": method}
            for protocol, metric in (("enrol-one", "Rank-1"), ("self-excluded", "Rank-1"),
                                     ("enrol-one", "mAP"), ("all-pairs", "AUC")):  # fmt: skip
                about |= {"protocol": protocol}
                rows.append(_point(pair, dataset, metric, rng) | about)
    table = pd.DataFrame(rows)
    last = (table["method"] == (settings.methods or ("",))[-1]) & (table["by"] == "images")
    return _failing(table, last & (table["size"] == 8))


def leaks_table(settings: Security, dataset: str, rng: np.random.Generator) -> pd.DataFrame:
    """Points over leaked pairs; the last method fails after two."""
    rows = []
    for pair, secret in itertools.product(settings.pairs or (), (False, True)):
        points = [("baseline", 0), *itertools.product(settings.methods or (), (2, 8, 16, 40))]
        for (method, leaked), metric in itertools.product(points, ("D_sys", "Rank-1", "AUC")):
            about = {"secret": secret, "leaked": leaked, "identities": leaked, "method": method}
            rows.append(_point(pair, dataset, metric, rng) | about)
    table = pd.DataFrame(rows)
    last = table["method"] == (settings.methods or ("",))[-1]
    return _failing(table, last & (table["leaked"] == 2))


def _point(
    pair: tuple[str, str], dataset: str, metric: str, rng: np.random.Generator
) -> dict[str, object]:
    value = float(rng.uniform(0.2, 0.8))
    return {
        "dataset": dataset, "source": pair[0], "target": pair[1], "dimension": D, "metric": metric,
        "value": value, "std": 0.02, "lower": value - 0.03, "upper": value + 0.03,
        "chance": 0.5 if metric == "AUC" else 0.1, "n": 90, "seeds": 5,
        "varies": "training and test identities", "status": "ok",
    }  # fmt: skip


def _failing(table: pd.DataFrame, rows: pd.Series) -> pd.DataFrame:
    table.loc[rows, ["value", "std", "lower", "upper"]] = np.nan
    table.loc[rows, "status"] = FAILED
    return table


def curve_tables(
    efficiency: Efficiency | None,
    security: Security | None,
    datasets: tuple[str, ...],
    rng: np.random.Generator,
) -> Iterator[tuple[str, str, pd.DataFrame]]:
    """Name of the curves, data set and table of all that is measured."""
    for dataset in datasets:
        if efficiency is not None:
            yield "efficiency", dataset, efficiency_table(efficiency, dataset, rng)
        if security is not None:
            yield "security", dataset, leaks_table(security, dataset, rng)
