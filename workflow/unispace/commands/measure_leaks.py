"""Measure how many leaked pairs link the template databases of two models, with and without a secret rotation."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial

import pandas as pd
import pyarrow as pa

from unispace.analysis.curve_numbers import UNIT, needed
from unispace.analysis.data_efficiency import Fit
from unispace.analysis.leaks import (
    leak_curve,
    leaks_through,
    most_that_leak,
    smallest_leak,
)
from unispace.analysis.smallest import Smallest
from unispace.commands.common import map_curves
from unispace.commands.common.map_curves import Pair, add_curves, out_of_reach, points, together
from unispace.config.map_curves import Security
from unispace.config.methods import BASELINE
from unispace.errors import UserError
from unispace.evaluation.measure import Measure
from unispace.evaluation.tidy import rows
from unispace.records.results import LEAKS_SCHEMA

configure = map_curves.configure

_CURVE = pa.schema(
    [
        *((name, pa.string()) for name in ("method", "metric", "varies", "status")),
        *((name, pa.int64()) for name in ("seed", "leaked", "identities", "n")),
        *((name, pa.float64()) for name in ("value", "chance")),
        ("secret", pa.bool_()),
    ]
)
"""What is kept of a map, and of the comparison without one: what `leak_curve` gives."""
_METRICS = ("D_sys", "Rank-1")
_PROTOCOLS = {False: "unprotected", True: "secret-rotation"}


def run(arguments: argparse.Namespace) -> None:
    """Run the command."""
    work = map_curves.read_work(arguments, "measure_leaks", "security", _CURVE)
    settings, identity = work.maps.security or Security(), work.clouds.identity
    test_share = 1 - work.maps.fit_share
    try:
        most = most_that_leak(identity, settings.seeds, test_share)
    except ValueError as error:
        raise UserError(
            f"{work.clouds.dataset}: {error}; change maps.fit_share, take a data set with more identities, or write "
            "`maps.security: null`"
        ) from error
    if settings.leaked is not None and settings.leaked[0] > most:
        raise UserError(
            f"maps.security.leaked: at most {most} pairs of {work.clouds.dataset} can leak, and the smallest number is "
            f"{settings.leaked[0]}; write smaller ones, or leave it out"
        )
    plans: list[tuple[Pair, list[int], dict[str, str]]] = []
    for pair in work.pairs:
        asked = (
            [0, *settings.leaked] if settings.leaked else leaks_through(pair.first.shape[1], most)
        )
        there = [k for k in asked if k <= most]
        keys = {method: pair.key(method, there) for method in (BASELINE, *pair.fits)}
        curve = partial(
            leak_curve,
            pair.first,
            pair.second,
            identity,
            seeds=settings.seeds,
            test_share=test_share,
        )
        add_curves(work.kept, keys, partial(_attacked, curve, pair.fits, there))
        plans.append((pair, asked[len(there) :], keys))
    kept = work.kept.by_part()
    tables, metrics = [], []
    for pair, missing, keys in plans:
        curves = [kept[key]["curve"] for key in keys.values()]
        curve = together(curves, ["seed", "secret", "leaked"])
        found = points(curve, ["method", "secret", "leaked", "metric"], ["identities"])
        beyond = _beyond(found, pair, missing, most)
        tables.append(pd.concat([found, beyond], ignore_index=True).assign(**pair.about))
        metrics += _headline(pair, curve, found, settings.level)
    map_curves.write(work, tables, metrics, LEAKS_SCHEMA, arguments)


def _attacked(
    curve: Callable[..., pd.DataFrame],
    fits: Mapping[str, Fit],
    leaked: list[int],
    methods: list[str],
) -> pd.DataFrame:
    """The curve of some of the methods; what is compared without a leak is of no attack."""
    attacks = {name: fits[name] for name in methods if name != BASELINE}
    sizes = [k for k in leaked if (attacks if k else BASELINE in methods)]
    return curve(attacks=attacks, leaked=sizes)


def _beyond(found: pd.DataFrame, pair: Pair, sizes: list[int], most: int) -> pd.DataFrame:
    """Points at leaks that were asked for and that the data set does not have."""
    like = found[found["method"] == BASELINE].assign(identities=float("nan"), chance=float("nan"))
    return out_of_reach(
        pd.concat([like.assign(method=method) for method in pair.fits]), "leaked", sizes,
        lambda k: f"{k} pairs cannot leak, there are {most}",
    )  # fmt: skip


def _headline(
    pair: Pair, curve: pd.DataFrame, found: pd.DataFrame, level: float
) -> list[pd.DataFrame]:
    """How linked the databases are without a leak, and the fewest pairs that link them."""
    tidy = []
    before = found[(found["method"] == BASELINE) & (found["metric"] == "D_sys")]
    for row in before.to_dict("records"):
        cell = replace(pair.cell, method=BASELINE, protocol=_PROTOCOLS[row["secret"]])
        if row["status"] == "ok":
            numbers = (row["value"], row["lower"], row["upper"])
            number = Measure("D_sys", *numbers, row["n"], UNIT, chance=row["chance"])
        else:
            why = row["status"].removeprefix("failed: ")
            number = Measure.failed("D_sys", row["n"], UNIT, why)
        tidy.append(rows(cell, [number]))
    fewest = {metric: int(rest["n"].min()) for metric, rest in curve.groupby("metric")}
    for metric in _METRICS:
        for row in smallest_leak(curve, metric, level).to_dict("records"):
            cell = replace(pair.cell, method=row["method"], protocol=_PROTOCOLS[row["secret"]])
            size = Smallest(
                row["leaked"],
                row["lower"],
                row["upper"],
                row["reached"],
                row["seeds"],
                row["status"],
            )
            name = f"Pairs@{metric}={level:g}"
            tidy.append(rows(cell, [needed(name, size, "pairs", fewest[metric])]))
    return tidy
