"""Embeddings that were made elsewhere: where their files lie, and how they enter the store."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from unispace.config.base import Domain
from unispace.config.datasets import IndexSource
from unispace.config.study import Study
from unispace.data.sources.fingerprints import fingerprint_of
from unispace.data.sources.own_index import match_rows, read_rows
from unispace.data.sources.own_vectors import check_vectors, open_vectors, unit_vectors
from unispace.errors import UserError
from unispace.records.embeddings import Embeddings, write_embeddings
from unispace.records.files import sha256_of, sha256_of_text
from unispace.records.manifest import read_manifest
from unispace.records.places import locate

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class OwnFiles:
    """Where the vectors of a data set lie, and which image each is of.

    Attributes:
        where: their place in the study, for errors.
        vectors, index: as the study names them, looked up below `UNISPACE_DATA` and the working folder.
    """

    where: str
    vectors: str
    index: str

    def located(self) -> tuple[Path, Path]:
        """The two files.

        Raises:
            UserError: where one of them is nowhere.
        """
        return (
            locate(self.vectors, f"{self.where}.vectors"),
            locate(self.index, f"{self.where}.index"),
        )


def own_files(study: Study, name: str, dataset: str) -> OwnFiles:
    """The files of one entry of `embeddings` and one data set.

    Raises:
        ValueError: where nothing says which image each vector is of, which a checked study never leaves open.
    """
    given, source = study.embeddings[name].datasets[dataset], study.datasets[dataset].source
    where = f"embeddings.{name}.datasets.{dataset}"
    if given.index is not None:
        return OwnFiles(where, given.vectors, given.index)
    if isinstance(source, IndexSource):
        return OwnFiles(where, given.vectors, source.path)
    raise ValueError(f"{where}: no index")


def own_content(files: OwnFiles, name: str, dataset: str, raw: Path) -> dict[str, str]:
    """Hashes of the two files: what decides the embeddings, wherever they lie.

    Args:
        files: where they are.
        name: of the entry of `embeddings`.
        dataset: of the data set.
        raw: folder of the caches that spare reading an unchanged file.

    Raises:
        UserError: where one of them is nowhere.
    """
    # A name holds no +, so that no data set's cache has this name.
    caches = {kind: raw / f"{name}+{dataset}.{kind}.json" for kind in ("vectors", "index")}
    found = zip(caches.items(), files.located(), strict=True)
    return {k: fingerprint_of({k: f}, str(f.resolve()), cache) for (k, cache), f in found}


def import_embeddings(
    dataset: str,
    domain: Domain,
    files: OwnFiles,
    card: Mapping[str, bool | int | float | str],
    manifest: Path,
    folder: Path,
    splits: Sequence[str] | None = None,
) -> None:
    """Write embeddings that were made elsewhere as the pipeline keeps its own.

    The rows are those of the manifest, in its order; each is made unit length. What they were before stands in the
    record (`given`), with the checksums of the files.

    Args:
        dataset: its name.
        domain: of the data set.
        files: the vectors and their index.
        card: what decides the vectors, in the user's words.
        manifest: of the data set.
        folder: where vectors.npy, index.parquet and embedding.json go.
        splits: those that are needed; left out: all.

    Raises:
        UserError: where the vectors do not fit their index, the index lacks images of the data set or contradicts
            it, or a row has no direction.
    """
    vectors_file, index_file = files.located()
    images = read_manifest(manifest)
    if splits is not None:
        images = images[images["split"].isin(splits)].reset_index(drop=True)
    if images.empty:
        raise UserError(
            f"{files.where}: no image of {dataset} is in the splits that the study needs: "
            f"{', '.join(splits or ())}"
        )
    rows = read_rows(index_file, domain)
    vectors = open_vectors(vectors_file, files.where)
    check_vectors(vectors, rows["image_id"], files.where)
    place = match_rows(rows, images, files.where, files.index)
    unit, lengths = unit_vectors(vectors, place)
    log.info("%s: %d of %d rows are needed", dataset, len(place), len(rows))
    content = {
        "vectors": sha256_of(vectors_file),
        "index": sha256_of(index_file),
        "manifest": sha256_of(manifest),
        "splits": sorted(splits) if splits is not None else None,
    }
    record = {
        "key": sha256_of_text(json.dumps(content, sort_keys=True)),
        "dataset": dataset,
        "images": len(images),
        "dimension": int(unit.shape[1]),
        "normalised": True,
        "failed": None,
        "model": dict(card),
        "manifest_sha256": content["manifest"],
        "given": {
            "vectors_sha256": content["vectors"],
            "index_sha256": content["index"],
            "rows": len(rows),
            "type": vectors.dtype.name,
            "shortest": lengths.least,
            "longest": lengths.most,
        },
    }
    write_embeddings(Embeddings(unit, images.drop(columns=["source"]), record), folder)
