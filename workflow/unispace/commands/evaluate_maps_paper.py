"""Recognise identities across models by the protocol of the compatibility paper, over its random splits."""

from __future__ import annotations

import argparse
import dataclasses
import itertools
import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from unispace.alignment.cloud import Cloud
from unispace.alignment.fit import fit_all
from unispace.commands.common import evaluation as io
from unispace.commands.common.maps import Clouds, read_clouds
from unispace.config.evaluation import Evaluation
from unispace.config.maps import Fitting, Maps
from unispace.data.protocols.fitting import shuffled
from unispace.evaluation.compatibility_paper import (
    MOST,
    over_splits,
    published_identification,
    published_verification,
)
from unispace.evaluation.tidy import Cell, rows_of_cells
from unispace.records.code import version_of
from unispace.records.kept_tables import KeptTables, key_of_parts

Ends = tuple[str, str, str]
"""Source, target and name of the method."""
Found = dict[Ends, list[dict[str, float]]]

_TABLES = {"metrics": pa.schema([("metric", pa.string()), ("value", pa.float64())])}


@dataclass(frozen=True)
class _Split:
    """One repetition: on what maps are fitted, on what they are tested, and who is who there."""

    seed: int
    fit: dict[str, NDArray[np.float32]]
    test: dict[str, NDArray[np.float32]]
    identity: NDArray[np.int64]
    share: tuple[int, int]

    @cached_property
    def key(self) -> str:
        """Names who is who and what the numbers draw."""
        return key_of_parts(str(self.seed), self.identity)

    @cached_property
    def keys(self) -> dict[str, str]:
        """Of each model, names its vectors on both sides."""
        return {model: key_of_parts(self.fit[model], self.test[model]) for model in self.fit}


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "--settings",
        required=True,
        help="JSON: study, seed, fitting, families, maps, evaluation",
    )
    parser.add_argument("--embeddings", type=Path, required=True, help="folder of all embeddings")
    parser.add_argument("--metrics", type=Path, required=True)
    parser.add_argument(
        "--kept", type=Path, help="what was made of each map, for the next time; left out: nothing"
    )


def run(arguments: argparse.Namespace) -> None:
    """Run the command."""
    settings, evaluation = io.load_settings(arguments.settings)
    fitting, maps = Fitting(**settings["fitting"]), Maps.model_validate(settings["maps"])
    families = settings["families"]
    kept = KeptTables(
        arguments.kept,
        _TABLES,
        key_of_parts(
            version_of(
                "evaluate_maps_paper", "numpy", "scipy", "scikit-learn", "pandas", "pyarrow"
            ),
            # Not the maps, each of which has a key of its own.
            json.dumps([settings["evaluation"], settings["fitting"]], sort_keys=True),
        ),
    )
    test = read_clouds(arguments.embeddings, list(families), fitting.test, maps.split)
    if fitting.shared is None:
        found, splits = _within(test, maps, evaluation, kept)
    else:
        fit = read_clouds(arguments.embeddings, list(families), fitting.fit, maps.split)
        found, splits = _across(fit, test, maps, evaluation, kept)
    shares = [split.share for split in splits]
    n = round(float(np.mean([len(split.identity) for split in splits])))
    cell = Cell(
        study=settings["study"],
        dataset=fitting.test,
        seed=settings["seed"],
        origin=io.origin("evaluate_maps_paper", arguments.settings, *test.embeddings.values()),
        protocol="paper-splits",
        fitted_on=fitting.fit,
    )
    measured = []
    for experiment, groups in (("paper", found), ("families-paper", _of_families(found, families))):
        for (source, target, method), metrics in groups.items():
            about = dataclasses.replace(
                cell, experiment=experiment, source=source, target=target, method=method
            )
            measured += [(about, measure) for measure in over_splits(metrics, shares, n)]
    failed = io.failures({m: arguments.embeddings / m / fitting.test for m in families})
    # A mean over a family fails with any of its models.
    failed |= {families[model]: f"{model}: {why}" for model, why in failed.items()}
    io.write_metrics([rows_of_cells(measured)], arguments.metrics, failed)


def _of_families(found: Found, families: Mapping[str, str]) -> Found:
    """In every split the mean over the pairs of each two families."""
    groups: dict[tuple[str, str, str], list[list[dict[str, float]]]] = defaultdict(list)
    for (source, target, method), splits in found.items():
        groups[families[source], families[target], method].append(splits)
    return {
        ends: [
            {metric: float(np.mean([pair[metric] for pair in split])) for metric in split[0]}
            for split in zip(*pairs, strict=True)
        ]
        for ends, pairs in groups.items()
    }


def _within(
    clouds: Clouds, maps: Maps, evaluation: Evaluation, kept: KeptTables
) -> tuple[Found, list[_Split]]:
    """Each seed divides the identities anew, and draws its pairs."""

    def measure(
        split: _Split, probe: NDArray[np.float32], target: NDArray[np.float32]
    ) -> list[dict[str, float]]:
        # One stream for all maps: they are compared on the same pairs.
        rng = io.generator(split.seed, "maps-paper", clouds.dataset)
        metrics = published_identification(probe, target, split.identity, evaluation.ranks)
        metrics |= published_verification(probe, target, split.identity, evaluation.fmr, rng)
        return [metrics]

    splits = list(_splits(clouds, maps))
    for split in splits:
        _add(kept, split, maps, split.key, partial(measure, split))
    return _found(kept, splits[0], maps, len(splits), by_split=True), splits


def _splits(clouds: Clouds, maps: Maps) -> Iterator[_Split]:
    codes = _codes(clouds.identity)
    for seed in maps.paper_splits:
        part = shuffled(clouds.identity, maps.fit_share, seed)
        yield _Split(
            seed,
            {m: v[part.fit] for m, v in clouds.vectors.items()},
            {m: v[part.test] for m, v in clouds.vectors.items()},
            codes[part.test],
            (len(np.unique(codes[part.fit])), len(np.unique(codes[part.test]))),
        )


def _across(
    fit: Clouds, test: Clouds, maps: Maps, evaluation: Evaluation, kept: KeptTables
) -> tuple[Found, list[_Split]]:
    """All of one data set and all of the other; a seed only draws other pairs."""
    codes = _codes(test.identity)
    splits = [_Split(s, fit.vectors, test.vectors, codes, (1, 0)) for s in maps.paper_splits]

    def measure(probe: NDArray[np.float32], target: NDArray[np.float32]) -> list[dict[str, float]]:
        once = published_identification(probe, target, codes, evaluation.ranks)
        return [
            once
            | published_verification(
                probe, target, codes, evaluation.fmr,
                io.generator(split.seed, "maps-paper", test.dataset), MOST,
            )
            for split in splits
        ]  # fmt: skip

    _add(kept, splits[0], maps, key_of_parts([split.key for split in splits]), measure)
    return _found(kept, splits[0], maps, len(splits), by_split=False), splits


def _add(
    kept: KeptTables,
    split: _Split,
    maps: Maps,
    key: str,
    measure: Callable[[NDArray[np.float32], NDArray[np.float32]], list[dict[str, float]]],
) -> None:
    """Measure the maps that are fitted in a split, as far as this was not done before.

    Args:
        kept: what was done before.
        split: what maps are fitted and tested on.
        maps: which.
        key: names who is who and what is drawn.
        measure: metrics of mapped vectors and those of the target, one or more times.
    """
    methods = maps.published()
    keys = {
        (source, target, method): key_of_parts(
            key, split.keys[source], split.keys[target],
            # The numbers that a map draws are called after these.
            json.dumps([source, target, method, methods[method].model_dump(mode="json")], sort_keys=True),
        )
        for source, target, method in _ends(split.fit, maps)
    }  # fmt: skip
    fresh = {
        ends: pd.DataFrame(
            [one for metrics in measure(probe, target) for one in metrics.items()],
            columns=["metric", "value"],
        )
        for ends, probe, target in _mapped(split, maps, lambda ends: not kept.has(keys[ends]))
    }
    for ends, name in keys.items():
        kept.add(name, lambda ends=ends: {"metrics": fresh[ends]})


def _ends(models: Sequence[str] | Mapping[str, object], maps: Maps) -> Iterator[Ends]:
    """All maps, both directions of two models after each other."""
    for pair in itertools.combinations(models, 2):
        for source, target in (pair, pair[::-1]):
            for method in maps.published():
                yield source, target, method


def _found(kept: KeptTables, split: _Split, maps: Maps, count: int, *, by_split: bool) -> Found:
    """The metrics of each map in each of so many splits; all maps of a split were added, or all splits of a map."""
    table = kept.tables()["metrics"]
    every = list(_ends(split.fit, maps))
    names = list(table["metric"][: len(table) // (len(every) * count)])
    shape = (count, len(every), len(names)) if by_split else (len(every), count, len(names))
    values = table["value"].to_numpy().reshape(shape)
    if by_split:
        values = values.swapaxes(0, 1)
    return {
        ends: [dict(zip(names, split, strict=True)) for split in of_map.tolist()]
        for ends, of_map in zip(every, values, strict=True)
    }


def _mapped(
    split: _Split, maps: Maps, wanted: Callable[[Ends], bool]
) -> Iterator[tuple[Ends, NDArray[np.float32], NDArray[np.float32]]]:
    """The maps that are wanted, with the test images mapped and in the target space."""
    clouds = {model: Cloud(vectors, name=model) for model, vectors in split.fit.items()}

    def stream(source: str, target: str, method: str) -> np.random.Generator:
        return io.generator(split.seed, "maps-paper", source, target, method)

    for pair in itertools.combinations(clouds, 2):
        # A map is fitted in both directions, which share their cross product: bits do not depend on what is wanted.
        both = [(pair[0], pair[1]), (pair[1], pair[0])]
        methods = {
            name: method
            for name, method in maps.published().items()
            if any(wanted((source, target, name)) for source, target in both)
        }
        for source, target, method, fitted in fit_all(methods, clouds, both, stream):
            if wanted((source, target, method)):
                yield (
                    (source, target, method),
                    fitted.transform(split.test[source]),
                    fitted.place(split.test[target]),
                )


def _codes(identity: list[str]) -> NDArray[np.int64]:
    return np.unique(np.asarray(identity, str), return_inverse=True)[1].astype(np.int64)
