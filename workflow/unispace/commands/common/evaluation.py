"""What the evaluation commands share: settings in, embeddings in, tidy tables out."""

from __future__ import annotations

import argparse
import hashlib
import json
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache, partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from unispace.config.evaluation import Evaluation
from unispace.evaluation.recognition import Images, Stream, Tidy
from unispace.evaluation.tidy import Cell, blanked, of_whole, samples_of
from unispace.records.code import code_of
from unispace.records.embeddings import Embeddings, read_embeddings
from unispace.records.files import read_json, sha256_of, sha256_of_text
from unispace.records.pairs import read_pairs
from unispace.records.prompts import Prompts
from unispace.records.results import CURVE_SCHEMA, SAMPLES_SCHEMA, SCHEMA
from unispace.records.tables import write_table

log = logging.getLogger(__name__)

Recognise = Callable[[Cell, Images, Evaluation, Stream], Tidy]


def load_settings(text: str) -> tuple[dict[str, Any], Evaluation]:
    """Settings of an evaluation and, checked, its part of the study."""
    settings = json.loads(text)
    return settings, Evaluation.model_validate(settings["evaluation"])


def load_split(folder: Path, split: str) -> Embeddings:
    """The evaluated split of a data set's embeddings."""
    return read_embeddings(folder).of_split(split)


def images_of(
    index: pd.DataFrame,
    probe: NDArray[np.floating],
    target: NDArray[np.floating],
    official: pd.DataFrame | None = None,
) -> Images:
    """Vectors as they are compared.

    Args:
        index: `(n,)` rows of the embeddings' index.
        probe: `(n, d)` vectors as probes.
        target: `(n, d)` vectors of the same images as gallery; the same array within one space.
        official: the data set's official pairs.
    """

    def column(name: str) -> list[str] | None:
        return list(index[name]) if name in index else None

    identity, image_id = list(index["identity"]), list(index["image_id"])
    return Images(
        probe, target, identity, image_id, column("camera"), column("split_given"), official
    )


def official_pairs(data: Path, dataset: str, evaluation: Evaluation) -> pd.DataFrame | None:
    """The official pairs of a data set, where a study asks for them."""
    if "official" not in evaluation.verification:
        return None
    return read_pairs(data / dataset / "pairs.parquet")


def origin(
    command: str,
    settings: str,
    *embeddings: Embeddings | Prompts,
    official: pd.DataFrame | None = None,
    files: Sequence[Path] = (),
) -> str:
    """Hash of what a number comes from: embeddings of images or prompts, pairs, files, settings, code and libraries."""
    keys = [e.card["key"] for e in embeddings] + [sha256_of(path) for path in files]
    if official is not None:
        keys.append(sha256_of_text(official.to_csv(index=False)))
    return sha256_of_text(settings, *keys, *_made_by(command))


@cache
def _made_by(command: str) -> tuple[str, ...]:
    """Libraries and hashes of the files of a command: looked up once, though a job asks for each of its models."""
    libraries = (f"{name} {version(name)}" for name in ("numpy", "scipy", "scikit-learn"))
    return *libraries, *map(sha256_of, code_of(command))


def generator(seed: int, *name: str) -> np.random.Generator:
    """Random numbers of one table, the same whatever else is evaluated."""
    digest = hashlib.sha256("\0".join(name).encode()).digest()
    return np.random.default_rng([seed, int.from_bytes(digest[:8], "big")])


def failures(folders: Mapping[str, Path]) -> dict[str, str]:
    """Why models failed in training, by their name; those that did not are left out.

    Args:
        folders: embeddings of each model on any data set.
    """
    cards = {model: read_json(folder / "embedding.json") for model, folder in folders.items()}
    return {model: card["failed"] for model, card in cards.items() if card.get("failed")}


def lost(ends: Iterable[str], failed: Mapping[str, str]) -> str | None:
    """The status of what failed models have a part in: the first of them and why; None where all are whole."""
    return next((f"failed: {end}: {failed[end]}" for end in ends if end in failed), None)


def write_metrics(parts: Iterable[pd.DataFrame], path: Path, failed: Mapping[str, str]) -> None:
    """Write tidy rows and show them in the log.

    Args:
        parts: the rows.
        path: where to.
        failed: models of which no number counts, as `failures` tells them.
    """
    frame = blanked(pd.concat(list(parts), ignore_index=True)[list(SCHEMA.names)], failed)
    write_table(frame, SCHEMA, path)
    columns = [
        "dataset",
        "method",
        "protocol",
        "metric",
        "value",
        "lower",
        "upper",
        "chance",
        "n",
        "status",
    ]
    log.info("results\n%s", _in_columns(frame[columns].dropna(axis=1, how="all")))


def _in_columns(frame: pd.DataFrame) -> str:
    """Rows as lines of text, numbers with four digits: `DataFrame.to_string` takes ten times as long."""
    texts = []
    for name in frame.columns:
        # As objects, since texts of Arrow take far longer one by one.
        cells = [
            f"{cell:.4f}" if isinstance(cell, float) else "" if cell is None else str(cell)
            for cell in frame[name].to_numpy(dtype=object)
        ]
        width = max(map(len, (name, *cells)))
        texts.append([cell.rjust(width) for cell in (name, *cells)])
    return "\n".join(map(" ".join, zip(*texts, strict=True)))


def write_samples(parts: Iterable[pd.DataFrame], path: Path, failed: Mapping[str, str]) -> None:
    """Write the metrics of every resample, which paired comparisons of models take; failed models have none."""
    samples = samples_of(parts)
    write_table(samples[~samples["model"].isin(list(failed))], SAMPLES_SCHEMA, path)


def write_curves(parts: Iterable[pd.DataFrame], path: Path, failed: Mapping[str, str]) -> None:
    """Write the points of curves, those of failed models left out."""
    curves = pd.concat(list(parts), ignore_index=True)
    write_table(of_whole(curves, failed), CURVE_SCHEMA, path)


def configure_test(
    parser: argparse.ArgumentParser, settings: str, *, curves: str | None = None
) -> None:
    """Declare the arguments of the commands that test one model.

    Args:
        parser: their parser.
        settings: what the settings hold, but the study's part on evaluation.
        curves: what the curves are; None for a command that writes none.
    """
    parser.add_argument("--settings", required=True, help=f"JSON: {settings}, evaluation")
    parser.add_argument(
        "--embeddings", type=Path, required=True, help="folder of the model's embeddings"
    )
    parser.add_argument("--metrics", type=Path, required=True)
    parser.add_argument("--samples", type=Path, required=True, help="metrics of every resample")
    if curves is not None:
        parser.add_argument("--curves", type=Path, required=True, help=curves)


def configure_recognition(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the commands that test one model on data sets of identities."""
    configure_test(parser, "study, model, seed, datasets", curves="ROC or CMC")


def run_recognition(
    arguments: argparse.Namespace, experiment: str, evaluate: Recognise, data: Path | None = None
) -> None:
    """Test one model on data sets of identities and write its rows, samples and curves.

    Args:
        arguments: as `configure_recognition` declares them.
        experiment: its name.
        evaluate: what tests a model on a data set.
        data: folder of the data sets, where official pairs may be asked for.
    """
    settings, evaluation = load_settings(arguments.settings)
    tables = []
    for dataset in settings["datasets"]:
        embeddings = load_split(arguments.embeddings / dataset, evaluation.split)
        official = None if data is None else official_pairs(data, dataset, evaluation)
        cell = Cell(
            study=settings["study"],
            dataset=dataset,
            seed=settings["seed"],
            origin=origin(
                f"evaluate_{experiment}", arguments.settings, embeddings, official=official
            ),
            model=settings["model"],
        )
        images = images_of(embeddings.index, embeddings.vectors, embeddings.vectors, official)
        stream = partial(generator, settings["seed"], experiment, dataset)
        tables.append(evaluate(cell, images, evaluation, stream))
    failed = failures({settings["model"]: arguments.embeddings / settings["datasets"][0]})
    write_metrics((metrics for metrics, _ in tables), arguments.metrics, failed)
    write_samples((metrics for metrics, _ in tables), arguments.samples, failed)
    write_curves((curves for _, curves in tables), arguments.curves, failed)
