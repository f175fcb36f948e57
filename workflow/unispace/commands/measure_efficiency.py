"""Measure how many identities and images a map needs, with the comparison without a map and the ceiling beside it."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial

import pandas as pd
import pyarrow as pa

from unispace.alignment.maps import fit_baseline
from unispace.analysis.curve_numbers import dip, enough_to_fit_on
from unispace.analysis.data_efficiency import (
    By,
    Fit,
    efficiency_curve,
    most_to_train_on,
    sizes_through,
)
from unispace.commands.common import map_curves
from unispace.commands.common.map_curves import Pair, add_curves, out_of_reach, points, together
from unispace.config.map_curves import Efficiency
from unispace.config.methods import BASELINE, CEILING
from unispace.errors import UserError
from unispace.evaluation.tidy import rows
from unispace.records.results import EFFICIENCY_SCHEMA

configure = map_curves.configure

_METRIC, _ENOUGH = "Rank-1", 0.95
_CURVE = pa.schema(
    [
        *((name, pa.string()) for name in ("method", "protocol", "metric", "varies", "status")),
        *((name, pa.int64()) for name in ("seed", "identities", "images", "n")),
        *((name, pa.float64()) for name in ("value", "chance")),
    ]
)
"""What is kept of a map: what `efficiency_curve` gives."""


def run(arguments: argparse.Namespace) -> None:
    """Run the command."""
    work = map_curves.read_work(arguments, "measure_efficiency", "efficiency", _CURVE)
    settings, identity = work.maps.efficiency or Efficiency(), work.clouds.identity
    test_share = 1 - work.maps.fit_share
    try:
        most = most_to_train_on(identity, settings.seeds, test_share)
    except ValueError as error:
        raise UserError(
            f"{work.clouds.dataset}: {error}; change maps.fit_share, take a data set with more identities, or write "
            "`maps.efficiency: null`"
        ) from error
    measure = partial(
        efficiency_curve,
        identity=identity,
        image_id=list(work.clouds.index["image_id"]),
        seeds=settings.seeds,
        test_share=test_share,
    )

    all_identities = [most["identities"]]
    plans = [(pair, _sizes(settings, pair, most, len(set(identity)))) for pair in work.pairs]
    for pair, sizes in plans:
        # Neither depends on how much is fitted on, apart from the means that are taken off.
        for name, source in ((BASELINE, pair.first), (CEILING, pair.second)):
            flat = partial(measure, source, pair.second, sizes=all_identities)
            keys = {name: pair.key(name, "identities", all_identities)}
            add_curves(work.kept, keys, partial(_fitted, flat, {name: fit_baseline}))
        for by, asked in sizes.items():
            there = _there(asked, most[by])
            growing = partial(measure, pair.first, pair.second, sizes=there, by=by)
            keys = {name: pair.key(name, by, there) for name in pair.fits}
            add_curves(work.kept, keys, partial(_fitted, growing, pair.fits))
    kept = {key: tables["curve"] for key, tables in work.kept.by_part().items()}

    tables, metrics = [], []
    for pair, sizes in plans:
        names = (BASELINE, CEILING)
        flat = pd.concat(kept[pair.key(name, "identities", all_identities)] for name in names)
        parts = [_points(flat, "identities")]
        for by, asked in sizes.items():
            there = _there(asked, most[by])
            curve = together([kept[pair.key(name, by, there)] for name in pair.fits], ["seed", by])
            parts += [_points(curve, by), _beyond(parts[0], pair, by, asked[len(there) :], most)]
            metrics += _headline(pair, by, curve)
        tables.append(pd.concat(parts, ignore_index=True).assign(**pair.about))
    map_curves.write(work, tables, metrics, EFFICIENCY_SCHEMA, arguments)


def _fitted(
    curve: Callable[..., pd.DataFrame], fits: Mapping[str, Fit], methods: list[str]
) -> pd.DataFrame:
    """The curve of some of the methods."""
    return curve(methods={name: fits[name] for name in methods})


def _there(sizes: list[int], most: int) -> list[int]:
    """The sizes that there are."""
    return [size for size in sizes if size <= most]


def _sizes(
    settings: Efficiency, pair: Pair, most: Mapping[By, int], everyone: int
) -> dict[By, list[int]]:
    """What is fitted on, rising.

    Raises:
        UserError: there are fewer images than the smallest size.
    """
    found: dict[By, list[int]] = {}
    if settings.shares:
        # The largest share is all that is not tested, however the two were rounded.
        sizes = {max(1, round(share * everyone)) for share in settings.shares}
        found["identities"] = sorted({min(size, most["identities"]) for size in sizes})
    if settings.images is None:
        found["images"] = sizes_through(pair.first.shape[1], most["images"])
    elif settings.images:
        found["images"] = list(settings.images)
        if settings.images[0] > most["images"]:
            raise UserError(
                f"maps.efficiency.images: {pair.cell.dataset} has {most['images']} images to fit on, and the smallest "
                f"number is {settings.images[0]}; write smaller ones, or `images: []`"
            )
    return found


def _points(curve: pd.DataFrame, by: By) -> pd.DataFrame:
    named = curve.assign(by=by, size=curve[by])
    return points(named, ["method", "by", "size", "protocol", "metric"], ["identities", "images"])


def _beyond(
    flat: pd.DataFrame, pair: Pair, by: By, sizes: list[int], most: Mapping[By, int]
) -> pd.DataFrame:
    """Points at sizes that were asked for and that the data set does not have."""
    like = flat[flat["method"] == CEILING].assign(
        by=by, identities=float("nan"), images=float("nan")
    )
    return out_of_reach(
        pd.concat([like.assign(method=method) for method in pair.fits]), "size", sizes,
        lambda size: f"{size} {by} cannot be fitted on, there are {most[by]}",
    )  # fmt: skip


def _headline(pair: Pair, by: By, curve: pd.DataFrame) -> list[pd.DataFrame]:
    """How many identities are enough, and how deep the curve over images dips."""
    found = []
    of_metric = curve[curve["metric"] == _METRIC]
    for (method, protocol), here in of_metric.groupby(["method", "protocol"], sort=False):
        number = (
            enough_to_fit_on(here, _ENOUGH)
            if by == "identities"
            else dip(here, pair.first.shape[1])
        )
        cell = replace(pair.cell, method=str(method), protocol=str(protocol))
        found.append(rows(cell, [number]))
    return found
