"""Test every task of a model in the principal components of every other, and of the controls."""

from __future__ import annotations

import argparse
import logging
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from unispace.analysis.choice import some_images, whole_labels
from unispace.analysis.transfer import Classification, Task, Verification
from unispace.analysis.transfer_table import Failed, Plan, transfer_tables
from unispace.commands.common import evaluation as io
from unispace.config.analysis import Transfer
from unispace.config.evaluation import Evaluation
from unispace.embedding.needed import FIT
from unispace.records.embeddings import Embeddings, read_embeddings
from unispace.records.results import PCA_NUMBERS_SCHEMA, PCA_SCHEMA
from unispace.records.tables import write_table

log = logging.getLogger(__name__)

_FIT_IMAGES = 4
"""Fit images for one test image, at most."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "--settings", required=True, help="JSON: model, seed, tasks, evaluation, transfer"
    )
    parser.add_argument(
        "--embeddings", type=Path, required=True, help="folder of the model's embeddings"
    )
    parser.add_argument("--curves", type=Path, required=True)
    parser.add_argument("--numbers", type=Path, required=True)


def run(arguments: argparse.Namespace) -> None:
    """Run the command."""
    settings, evaluation = io.load_settings(arguments.settings)
    chosen = Transfer.model_validate(settings["transfer"])
    tasks: dict[str, Task | Failed] = {}
    fits: dict[str, NDArray[np.floating]] = {}
    for dataset, kind in settings["tasks"].items():
        embeddings = read_embeddings(arguments.embeddings / dataset)
        test = embeddings.of_split(evaluation.split)
        test = _part(test, whole_labels(test.index["label"], chosen.images))
        fit = embeddings.of_split(FIT)
        if kind == "class":
            # Classes that are not tested could still be taken for one that is: then they stay in.
            fit = _part(fit, some_images(fit.index["image_id"], _FIT_IMAGES * chosen.images))
        rng = io.generator(settings["seed"], "transfer", dataset)
        tasks[dataset] = _task(kind, test, fit, chosen, evaluation, rng)
        fits[dataset] = fit.vectors
    plan = Plan(
        sorted(chosen.components),
        sorted(chosen.removed),
        chosen.random_subspaces,
        evaluation.resamples,
    )
    unrelated = None
    if chosen.unrelated is not None:
        far = read_embeddings(arguments.embeddings / chosen.unrelated)
        unrelated = chosen.unrelated, np.asarray(far.vectors)
    curves, numbers = transfer_tables(tasks, fits, unrelated, plan, settings["seed"])
    _write(curves, PCA_SCHEMA, settings["model"], arguments.curves)
    _write(numbers, PCA_NUMBERS_SCHEMA, settings["model"], arguments.numbers)
    shown = numbers[(numbers["basis"] == "components") & (numbers["measure"] == "gain")]
    log.info("components that keep the gain over chance\n%s", shown.to_string(index=False))


def _part(embeddings: Embeddings, keep: NDArray[np.bool_]) -> Embeddings:
    index = embeddings.index[keep].reset_index(drop=True)
    return Embeddings(embeddings.vectors[keep], index, embeddings.card)


def _task(
    kind: str,
    test: Embeddings,
    fit: Embeddings,
    chosen: Transfer,
    evaluation: Evaluation,
    rng: np.random.Generator,
) -> Task | Failed:
    made = Classification if kind == "class" else Verification
    if why := test.card.get("failed"):
        return Failed(made.metric, made.unit, why)
    try:
        if kind == "class":
            return Classification(
                test.vectors,
                test.index["label"],
                fit.vectors,
                fit.index["label"],
                evaluation.neighbours,
            )
        return Verification(test.vectors, test.index["identity"], chosen.pairs, rng)
    except ValueError as reason:
        return Failed(made.metric, made.unit, str(reason))


def _write(rows: pd.DataFrame, schema: pa.Schema, model: str, path: Path) -> None:
    table = rows.assign(model=model) if len(rows) else schema.empty_table().to_pandas()
    write_table(table[list(schema.names)], schema, path)
