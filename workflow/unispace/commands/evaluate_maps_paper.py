"""Recognise identities across models by the protocol of the compatibility paper, over its random splits."""

from __future__ import annotations

import argparse
import dataclasses
import itertools
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
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
from unispace.evaluation.tidy import Cell, rows

Found = dict[tuple[str, str, str], list[dict[str, float]]]


@dataclass(frozen=True)
class _Split:
    """One repetition: on what maps are fitted, on what they are tested, and who is who there."""

    seed: int
    fit: dict[str, NDArray[np.float32]]
    test: dict[str, NDArray[np.float32]]
    identity: NDArray[np.int64]
    share: tuple[int, int]


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "--settings",
        required=True,
        help="JSON: study, seed, fitting, families, maps, evaluation",
    )
    parser.add_argument("--embeddings", type=Path, required=True, help="folder of all embeddings")
    parser.add_argument("--metrics", type=Path, required=True)


def run(arguments: argparse.Namespace) -> None:
    """Run the command."""
    settings, evaluation = io.load_settings(arguments.settings)
    fitting, maps = Fitting(**settings["fitting"]), Maps.model_validate(settings["maps"])
    families = settings["families"]
    test = read_clouds(arguments.embeddings, list(families), fitting.test, maps.split)
    if fitting.shared is None:
        found, splits = _within(test, maps, evaluation)
    else:
        fit = read_clouds(arguments.embeddings, list(families), fitting.fit, maps.split)
        found, splits = _across(fit, test, maps, evaluation)
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
    tables = []
    for experiment, groups in (("paper", found), ("families-paper", _of_families(found, families))):
        for (source, target, method), metrics in groups.items():
            about = dataclasses.replace(
                cell, experiment=experiment, source=source, target=target, method=method
            )
            tables.append(rows(about, over_splits(metrics, shares, n)))
    failed = io.failures({m: arguments.embeddings / m / fitting.test for m in families})
    # A mean over a family fails with any of its models.
    failed |= {families[model]: f"{model}: {why}" for model, why in failed.items()}
    io.write_metrics(tables, arguments.metrics, failed)


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


def _within(clouds: Clouds, maps: Maps, evaluation: Evaluation) -> tuple[Found, list[_Split]]:
    """Each seed divides the identities anew, and draws its pairs."""
    found: Found = defaultdict(list)
    splits = list(_splits(clouds, maps))
    for split in splits:
        for ends, probe, target in _mapped(split, maps):
            # One stream for all maps: they are compared on the same pairs.
            rng = io.generator(split.seed, "maps-paper", clouds.dataset)
            metrics = published_identification(probe, target, split.identity, evaluation.ranks)
            metrics |= published_verification(probe, target, split.identity, evaluation.fmr, rng)
            found[ends].append(metrics)
    return found, splits


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
    fit: Clouds, test: Clouds, maps: Maps, evaluation: Evaluation
) -> tuple[Found, list[_Split]]:
    """All of one data set and all of the other; a seed only draws other pairs."""
    codes = _codes(test.identity)
    splits = [_Split(s, fit.vectors, test.vectors, codes, (1, 0)) for s in maps.paper_splits]
    found: Found = {}
    for ends, probe, target in _mapped(splits[0], maps):
        once = published_identification(probe, target, codes, evaluation.ranks)
        found[ends] = [
            once
            | published_verification(
                probe, target, codes, evaluation.fmr,
                io.generator(split.seed, "maps-paper", test.dataset), MOST,
            )
            for split in splits
        ]  # fmt: skip
    return found, splits


def _mapped(
    split: _Split, maps: Maps
) -> Iterator[tuple[tuple[str, str, str], NDArray[np.float32], NDArray[np.float32]]]:
    clouds = {model: Cloud(vectors, name=model) for model, vectors in split.fit.items()}
    pairs = itertools.permutations(clouds, 2)

    def stream(source: str, target: str, method: str) -> np.random.Generator:
        return io.generator(split.seed, "maps-paper", source, target, method)

    for source, target, method, fitted in fit_all(maps.published(), clouds, pairs, stream):
        yield (
            (source, target, method),
            fitted.transform(split.test[source]),
            fitted.place(split.test[target]),
        )


def _codes(identity: list[str]) -> NDArray[np.int64]:
    return np.unique(np.asarray(identity, str), return_inverse=True)[1].astype(np.int64)
