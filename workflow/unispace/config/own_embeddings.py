"""Embeddings that were made elsewhere, in place of a model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from unispace.config.base import Name, Settings
from unispace.config.datasets import IndexSource
from unispace.errors import did_you_mean

if TYPE_CHECKING:
    from unispace.config.study import Study

OWN = "own"
"""Stands for the curriculum in the names of such models, `arcface/own/seed0`: nothing here tuned them."""


class OwnVectors(Settings):
    """Vectors of the images of one data set, and which image each belongs to."""

    vectors: str
    """A .npy file with one row of float16, float32 or float64 for each image, `(n, d)`, looked up below `UNISPACE_DATA` and the working folder."""
    index: str | None = None
    """A .csv or .parquet file with the column image_id, whose row i names the image of row i of the vectors; `identity` (`label` of objects) is compared with the data set where it is there. Left out: the rows of the data set's own index."""


class OwnEmbeddings(Settings):
    """What stands in place of a model: its card, and its vectors of every evaluated data set."""

    card: Annotated[dict[str, bool | int | float | str], Field(min_length=1)]
    """What decides the vectors, in words of your own: checkpoint, preprocessing, layer, licence; shown on the page."""
    datasets: Annotated[dict[Name, OwnVectors], Field(min_length=1)]
    """The vectors, by data set."""


def own_model(name: str) -> str:
    """The name of embeddings as that of a model."""
    return f"{name}/{OWN}/seed0"


def own_problems(study: Study) -> list[str]:
    """What the embeddings name and the study does not have, and what the study asks of them and they do not have."""
    problems, evaluated = [], study.evaluation.datasets
    if study.embeddings and OWN in study.curricula:
        problems.append(
            f"curricula.{OWN}: stands for `embeddings` in the names of models; call the curriculum otherwise"
        )
    cards: dict[str, str] = {}
    for name, own in study.embeddings.items():
        where = f"embeddings.{name}"
        if name in study.backbones:
            problems.append(f"{where}: a backbone has this name too; rename one of the two")
        other = cards.setdefault(repr(sorted(own.card.items())), name)
        if other != name:
            problems.append(
                f"{where}.card: `{other}` has the same card; take one out, or say what tells them apart"
            )
        for dataset in own.datasets:
            if dataset not in study.datasets:
                problems.append(
                    f"{where}.datasets: `{dataset}` is not defined; {did_you_mean(dataset, study.datasets)}"
                )
            elif dataset not in evaluated:
                problems.append(
                    f"{where}.datasets: `{dataset}` is not in evaluation.datasets; add it there, or take it out here"
                )
            elif own.datasets[dataset].index is None and study.datasets[dataset].has_images:
                problems.append(
                    f"{where}.datasets.{dataset}: say which image each row is of; "
                    f"write `{{ vectors: {own.datasets[dataset].vectors}, index: FILE.csv }}`"
                )
        problems += [
            f"{where}.datasets: `{dataset}` is evaluated, so every model needs vectors of it; "
            f"add the line `{dataset}: {{ vectors: FILE.npy }}`"
            for dataset in evaluated
            if dataset in study.datasets and dataset not in own.datasets
        ]
    return problems


def imageless_problems(study: Study) -> list[str]:
    """Where the study takes images of data sets that have none."""
    without = [d for d, s in study.datasets.items() if isinstance(s.source, IndexSource)]
    problems = []
    for dataset in without:
        if dataset in study.trained_datasets():
            problems.append(
                f"datasets.{dataset}: has no images to train on; its source is a list of images without them"
            )
        elif dataset not in study.evaluation.datasets:
            problems.append(
                f"datasets.{dataset}: has no images and is not tested; add it to evaluation.datasets, or take it out"
            )
        elif study.backbones:
            problems.append(
                f"evaluation.datasets: `{dataset}` has no images, which the backbones of the study would embed; "
                f"take it out, or give it a source of images"
            )
        elif not study.embeddings:
            problems.append(
                f"evaluation.datasets: `{dataset}` has no images, and no `embeddings` of it are given"
            )
    return problems
