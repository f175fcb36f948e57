"""Classify images of objects: by nearest neighbours and by a linear probe."""

from __future__ import annotations

import argparse
from functools import partial

from unispace.commands.common import evaluation as io
from unispace.data.held_out import HELD_OUT
from unispace.errors import UserError
from unispace.evaluation.objects import Labelled, Objects, classify_images
from unispace.evaluation.tidy import Cell
from unispace.records.embeddings import Embeddings, read_embeddings


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    io.configure_test(parser, "study, model, seed, datasets")


def run(arguments: argparse.Namespace) -> None:
    """Run the command."""
    settings, evaluation = io.load_settings(arguments.settings)
    tables = []
    for dataset in settings["datasets"]:
        tested = read_embeddings(arguments.embeddings / dataset)
        gallery = evaluation.gallery.get(dataset) or dataset
        known = tested if gallery == dataset else read_embeddings(arguments.embeddings / gallery)
        objects = _objects(dataset, tested, gallery, known, evaluation.split)
        cell = Cell(
            study=settings["study"],
            dataset=dataset,
            seed=settings["seed"],
            origin=io.origin("evaluate_classification", arguments.settings, tested, known),
            model=settings["model"],
        )
        stream = partial(io.generator, settings["seed"], "classification", dataset)
        tables.append(classify_images(cell, objects, evaluation, stream))
    failed = io.failures({settings["model"]: arguments.embeddings / settings["datasets"][0]})
    io.write_metrics(tables, arguments.metrics, failed)
    io.write_samples(tables, arguments.samples, failed)


def _objects(
    dataset: str, tested: Embeddings, gallery: str, known: Embeddings, split: str
) -> Objects:
    """The splits of a data set and of the one that its classes are known from.

    Raises:
        UserError: where there is nothing to test, a gallery has no train split, or does not know a class.
    """
    test = _labelled(tested.of_split(split))
    train = _split(known, "train")
    if train is None and gallery != dataset:
        raise UserError(
            f"evaluation.gallery: {gallery} has no train split, from which the neighbours of {dataset} come"
        )
    unknown = sorted(set(test.label.tolist()) - set(train.label.tolist())) if train else []
    if unknown:
        place = "train" if gallery == dataset else f"the train split of {gallery}"
        raise UserError(
            f"{dataset}: class {unknown[0]!r} is in split {split} but not in {place}; "
            f"neighbours can only name classes that they know"
        )
    return Objects(test, train, _split(known, "val"), _split(tested, HELD_OUT))


def _split(embeddings: Embeddings, split: str) -> Labelled | None:
    """The images of a split, None where there are none."""
    held = split in set(embeddings.index["split"])
    return _labelled(embeddings.of_split(split)) if held else None


def _labelled(embeddings: Embeddings) -> Labelled:
    return Labelled(embeddings.vectors, embeddings.index["label"].to_numpy(str))
