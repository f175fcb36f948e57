"""From images on disk to vectors on disk, once for each content."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from unispace.backbones.network import Network
from unispace.embedding.resized import at_size
from unispace.errors import UserError
from unispace.records.embeddings import Embeddings, write_embeddings
from unispace.records.files import replacing, sha256_of, sha256_of_text
from unispace.records.images import ImageStore
from unispace.records.manifest import read_manifest
from unispace.records.models import decisive

log = logging.getLogger(__name__)

_BATCH = 128
_ROWS_CHECKED = 65536
_REPORT_EVERY = 5.0


def content_key(
    model_card: dict[str, Any],
    manifest: Path,
    images_sha256: str,
    splits: Sequence[str] | None,
    code: str,
) -> str:
    """Hash of everything that decides the embeddings of a data set: equal keys, equal vectors."""
    content = {
        "model": decisive(model_card),
        "manifest": sha256_of(manifest),
        "images": images_sha256,
        "splits": sorted(splits) if splits is not None else None,
        "code": code,
    }
    return sha256_of_text(json.dumps(content, sort_keys=True))


def compute(
    network: Network, store: ImageStore, rows: NDArray[np.int64], name: str
) -> NDArray[np.float32]:
    """Embed images.

    Args:
        network: in evaluation mode.
        store: the images.
        rows: which of them, `(n,)`.
        name: what the log calls them.

    Returns:
        `(n, d)`, float32, unit length, in the order of `rows`.

    Raises:
        UserError: where a vector is not finite.
    """
    vectors = np.full((len(rows), network.dimension), np.nan, np.float32)
    how = network.preprocessing
    started = told = time.monotonic()
    for start in range(0, len(rows), _BATCH):
        part = slice(start, start + _BATCH)
        images = torch.from_numpy(
            store.batch(rows[part], how.size, how.interpolation, how.aspect, how.resized)
        )
        vectors[part] = network.embed(images).numpy()
        bad = np.flatnonzero(~np.isfinite(vectors[part]).all(axis=1))
        if len(bad):
            raise UserError(
                f"{name}: the embedding of image {rows[part][bad[0]]} is not finite; "
                f"the weights of the model are not usable"
            )
        now = time.monotonic()
        if now - told > _REPORT_EVERY:
            told = now
            done = min(start + _BATCH, len(rows))
            left = (now - started) / done * (len(rows) - done)
            log.info("%s: %d of %d images embedded, %.0f s left", name, done, len(rows), left)
    return vectors


def _from_shelf(path: Path, shape: tuple[int, int]) -> NDArray[np.float32] | None:
    """Vectors computed earlier, memory-mapped; None where there are none, or a damaged file."""
    if not path.is_file():
        return None
    try:
        vectors = np.load(path, mmap_mode="r", allow_pickle=False)
        if vectors.shape != shape or vectors.dtype != np.float32:
            raise ValueError(f"{vectors.dtype} {vectors.shape}, expected float32 {shape}")
        for start in range(0, len(vectors), _ROWS_CHECKED):
            with np.errstate(over="ignore"):
                part = np.linalg.norm(vectors[start : start + _ROWS_CHECKED], axis=1)
            # A network may map an image to zero; nothing else is off the unit sphere.
            if not (np.isclose(part, 1, atol=1e-4) | (part == 0)).all():
                raise ValueError("a vector is not of unit length")
    except (ValueError, EOFError, OSError) as error:
        log.warning("embeddings on the shelf %s are damaged (%s); computing anew", path, error)
        return None
    return vectors


def _stand_ins(shape: tuple[int, int]) -> NDArray[np.float32]:
    """Unit vectors that mean nothing, for a model whose training failed.

    Its last weights may map images to nothing finite, to zero or all to one point, which no measure and no map can
    be taken of. All that is made of these vectors is blanked: the card says that the model failed.
    """
    drawn = np.random.default_rng(0).standard_normal(shape, np.float32)
    return drawn / np.linalg.norm(drawn, axis=1, keepdims=True)


def extract(
    network: Network,
    model_card: dict[str, Any],
    dataset: str,
    data: Path,
    shelf: Path,
    folder: Path,
    splits: Sequence[str] | None = None,
    *,
    code: str,
) -> None:
    """Write the embeddings of a data set, computed or taken from the shelf.

    Args:
        network: in evaluation mode.
        model_card: the card of the model.
        dataset: its name.
        data: folder of its manifest and images.
        shelf: folder of vectors and of resized images by content key, shared by all studies.
        folder: where vectors.npy, index.parquet and embedding.json go.
        splits: those that are needed; left out: all.
        code: what the code that embeds is called: what other code computed is not taken over.

    A model that failed in training gets stand-ins, which never reach the shelf.
    """
    manifest_path, images_path = data / "manifest.parquet", data / "images.npy"
    manifest = read_manifest(manifest_path)
    if splits is not None:
        kept = manifest["split"].isin(splits)
        log.info("%s: %d of %d images are needed", dataset, kept.sum(), len(manifest))
        manifest = manifest[kept].reset_index(drop=True)
    images_sha256 = sha256_of(images_path)
    key = content_key(model_card, manifest_path, images_sha256, splits, code)
    shelved = shelf / f"{key}.npy"
    shape = len(manifest), network.dimension
    failed = model_card.get("failed")
    if failed:
        log.warning("%s: the model failed, so its vectors are stand-ins: %s", dataset, failed)
        vectors = _stand_ins(shape)
    elif not len(manifest):
        # The files are there all the same, since a rule has one list of outputs for all models.
        vectors = np.empty(shape, np.float32)
    elif (vectors := _from_shelf(shelved, shape)) is not None:
        log.info("%s: these embeddings exist already, taken over", dataset)
    else:
        store = at_size(
            ImageStore(images_path), images_sha256, network.preprocessing, shelf / "images", code
        )
        vectors = compute(network, store, manifest["row"].to_numpy(), dataset)
        with replacing(shelved) as temporary, temporary.open("wb") as stream:
            np.save(stream, vectors, allow_pickle=False)
    card = {
        "key": key,
        "dataset": dataset,
        "images": len(manifest),
        "dimension": network.dimension,
        "normalised": True,
        "failed": failed,
        "model": decisive(model_card),
        "manifest_sha256": sha256_of(manifest_path),
    }
    write_embeddings(Embeddings(vectors, manifest.drop(columns=["source"]), card), folder)
