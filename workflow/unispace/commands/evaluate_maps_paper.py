"""Recognise identities across models by the protocol of the compatibility paper, over its random splits."""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unispace.commands.common import evaluation as io
from unispace.commands.common.maps import Clouds, fitted_maps, read_clouds
from unispace.config.evaluation import Evaluation
from unispace.config.maps import Fitting
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
        help="JSON: study, seed, fitting, split, fit_share, splits, methods, pairs, evaluation",
    )
    parser.add_argument("--embeddings", type=Path, required=True, help="folder of all embeddings")
    parser.add_argument("--metrics", type=Path, required=True)


def run(arguments: argparse.Namespace) -> None:
    """Run the command."""
    settings, evaluation = io.load_settings(arguments.settings)
    fitting = Fitting(**settings["fitting"])
    models = list(dict.fromkeys(model for pair in settings["pairs"] for model in pair))
    test = read_clouds(arguments.embeddings, models, fitting.test, settings["split"])
    if fitting.shared is None:
        found, splits = _within(test, settings, evaluation)
    else:
        fit = read_clouds(arguments.embeddings, models, fitting.fit, settings["split"])
        found, splits = _across(fit, test, settings, evaluation)
    tables = []
    for (source, target, method), metrics in found.items():
        ends = [test.embeddings[source], test.embeddings[target]]
        cell = Cell(
            study=settings["study"],
            experiment="compatibility-paper",
            protocol="paper-splits",
            dataset=fitting.test,
            seed=settings["seed"],
            origin=io.origin("evaluate_maps_paper", arguments.settings, *ends),
            source=source,
            target=target,
            method=method,
            fitted_on=fitting.fit,
        )
        n = round(float(np.mean([len(split.identity) for split in splits])))
        tables.append(rows(cell, over_splits(metrics, [split.share for split in splits], n)))
    folders = {m: arguments.embeddings / m / fitting.test for m in models}
    io.write_metrics(tables, arguments.metrics, io.failures(folders))


def _within(
    clouds: Clouds, settings: dict[str, Any], evaluation: Evaluation
) -> tuple[Found, list[_Split]]:
    """Each seed divides the identities anew, and draws its pairs."""
    found: Found = defaultdict(list)
    splits = list(_splits(clouds, settings))
    for split in splits:
        for ends, probe, target in _mapped(split, settings):
            # One stream for all maps: they are compared on the same pairs.
            rng = io.generator(split.seed, "maps-paper", clouds.dataset)
            metrics = published_identification(probe, target, split.identity, evaluation.ranks)
            metrics |= published_verification(probe, target, split.identity, evaluation.fmr, rng)
            found[ends].append(metrics)
    return found, splits


def _splits(clouds: Clouds, settings: dict[str, Any]) -> Iterator[_Split]:
    codes = _codes(clouds.identity)
    for seed in settings["splits"]:
        part = shuffled(clouds.identity, settings["fit_share"], seed)
        yield _Split(
            seed,
            {m: v[part.fit] for m, v in clouds.vectors.items()},
            {m: v[part.test] for m, v in clouds.vectors.items()},
            codes[part.test],
            (len(np.unique(codes[part.fit])), len(np.unique(codes[part.test]))),
        )


def _across(
    fit: Clouds, test: Clouds, settings: dict[str, Any], evaluation: Evaluation
) -> tuple[Found, list[_Split]]:
    """All of one data set and all of the other; a seed only draws other pairs."""
    codes = _codes(test.identity)
    splits = [_Split(s, fit.vectors, test.vectors, codes, (1, 0)) for s in settings["splits"]]
    found: Found = {}
    for ends, probe, target in _mapped(splits[0], settings):
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
    split: _Split, settings: dict[str, Any]
) -> Iterator[tuple[tuple[str, str, str], NDArray[np.float32], NDArray[np.float32]]]:
    for source, target, method, fitted in fitted_maps(
        split.fit, settings["pairs"], settings["methods"]
    ):
        yield (
            (source, target, method),
            fitted.transform(split.test[source]),
            fitted.place(split.test[target]),
        )


def _codes(identity: list[str]) -> NDArray[np.int64]:
    return np.unique(np.asarray(identity, str), return_inverse=True)[1].astype(np.int64)
