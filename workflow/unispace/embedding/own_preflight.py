"""What can be known to be wrong with embeddings that were made elsewhere, before the first job."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from unispace.config.datasets import (
    DigitsSource,
    FolderSource,
    IndexSource,
    ManifestSource,
)
from unispace.config.own_embeddings import own_model
from unispace.config.studio import StudioSource
from unispace.config.study import Study
from unispace.data.prepare import listed_images
from unispace.data.sources.own_index import match_rows, read_rows
from unispace.data.sources.own_vectors import check_vectors, open_vectors
from unispace.embedding.needed import FIT, needed_splits
from unispace.embedding.own import own_content, own_files
from unispace.errors import UserError


def check_embeddings(study: Study, raw: Path) -> None:
    """Check arrays, indices, and that all are of the images of their data sets.

    Images that must be fetched first, or lie in shards, are known when they are prepared: of these `import_embeddings`
    checks the same.

    Args:
        study: its sources were checked.
        raw: folder of the caches.

    Raises:
        UserError: with everything that is wrong.
    """
    problems = embedding_problems(study, raw)
    if problems:
        raise UserError(f"study {study.study}:\n" + "\n".join(f"- {p}" for p in problems))


def embedding_problems(study: Study, raw: Path) -> list[str]:
    """Everything that is wrong with arrays and indices; the arguments are those of `check_embeddings`."""
    problems: list[str] = []
    known: dict[str, pd.DataFrame] = {}
    for dataset in study.evaluation.datasets if study.embeddings else ():
        try:
            if _is_listed(study, dataset):
                known[dataset] = listed_images(dataset, study.datasets[dataset])
        except UserError as error:
            problems.append(str(error))
    same: dict[tuple[str, str], str] = {}
    for name, own in study.embeddings.items():
        dimensions: dict[int, str] = {}
        for dataset in own.datasets:
            try:
                dimension = _check_one(study, name, dataset, known.get(dataset))
                _check_content(study, name, dataset, raw, same)
            except UserError as error:
                problems.append(str(error))
            else:
                dimensions.setdefault(dimension, dataset)
        if len(dimensions) > 1:
            said = ", ".join(f"{d} on {dataset}" for d, dataset in dimensions.items())
            problems.append(
                f"embeddings.{name}: vectors have different numbers of dimensions ({said}), so they are not of one "
                f"model; give each model a name of its own"
            )
    return problems


def _is_listed(study: Study, dataset: str) -> bool:
    """Whether it is known now which images a data set will hold."""
    settings = study.datasets[dataset]
    if isinstance(settings.source, IndexSource | StudioSource | DigitsSource):
        return True
    files = isinstance(settings.source, FolderSource | ManifestSource)
    return files and settings.unreadable == "fail"


def _check_one(study: Study, name: str, dataset: str, listed: pd.DataFrame | None) -> int:
    """Check the vectors of one data set; returns their dimension."""
    files, domain = own_files(study, name, dataset), study.datasets[dataset].domain
    vectors_file, index_file = files.located()
    vectors = open_vectors(vectors_file, files.where)
    rows = read_rows(index_file, domain)
    check_vectors(vectors, rows["image_id"], files.where)
    if listed is not None:
        model = own_model(name)
        needed = needed_splits(study, model, dataset)
        images = listed if needed is None else listed[listed["split"].isin(needed)]
        asked = {study.evaluation.split, *({FIT} if FIT in (needed or ()) else ())}
        for split in sorted(asked - set(images["split"])):
            there = ", ".join(sorted(listed["split"].unique()))
            raise UserError(
                f"datasets.{dataset}.splits: no image in split `{split}`, which the study needs; there are: {there}. "
                f"`splits: {{ train: 0, val: 0 }}` makes all images test images"
            )
        match_rows(rows, images.reset_index(drop=True), files.where, files.index)
    return int(vectors.shape[1])


def _check_content(
    study: Study, name: str, dataset: str, raw: Path, same: dict[tuple[str, str], str]
) -> None:
    """Refuse the same bytes under two names.

    Args:
        study: the study.
        name: of the entry of `embeddings`.
        dataset: of the vectors.
        raw: folder of the caches.
        same: the name of each (data set, content) so far; added to.
    """
    files = own_files(study, name, dataset)
    content = own_content(files, name, dataset, raw)["vectors"]
    other = same.setdefault((dataset, content), name)
    if other != name:
        raise UserError(
            f"{files.where}.vectors: {files.vectors} holds the same bytes as that of `{other}`: two names of one "
            f"model, whose comparison would mean nothing; name the right file, or take one out"
        )
