"""Examples of retrieval: what stands first in the gallery for a few probes. Examples, never evidence."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from unispace.data.splits import fractions
from unispace.evaluation.similarity import cosine_blocks

_SALT = "retrieval"


def choose_queries(
    identity: Sequence[str], image_id: Sequence[str], count: int = 3
) -> NDArray[np.intp]:
    """Rows of the query images: one of each of a few identities, both chosen by hash and never by result.

    Args:
        identity: `(n,)` names.
        image_id: `(n,)` names of the images, each once.
        count: Identities wanted; fewer where fewer have two images.

    Returns:
        `(q,)` rows, identities in the order of their hashes. The same images in whatever order the rows come.

    Raises:
        ValueError: Lengths differ, or no identity has two images, so that nobody could be found.
    """
    if len(identity) != len(image_id):
        raise ValueError(f"{len(identity)} identities for {len(image_id)} images")
    names, index, images = np.unique(
        np.asarray(identity, str), return_inverse=True, return_counts=True
    )
    several = np.flatnonzero(images >= 2)
    if not len(several):
        raise ValueError(
            f"none of {len(names)} identities has two images; a query is searched among the other images"
        )
    chosen = several[np.argsort(fractions(names[several], _SALT), kind="stable")[:count]]
    place = fractions(image_id, _SALT)
    rows = [np.flatnonzero(index == c) for c in chosen]
    return np.array([r[np.argmin(place[r])] for r in rows], np.intp)


def retrieve(
    probe: NDArray[np.floating],
    target: NDArray[np.floating],
    identity: Sequence[str],
    image_id: Sequence[str],
    queries: NDArray[np.intp],
    depth: int = 10,
) -> pd.DataFrame:
    """Search each query among all other images; its own image is left out of the gallery.

    Entries of one score come in the order that counts against us, as in `identification.search`: wrong ones first.

    Args:
        probe: `(n, d)` vectors as probes; across models, after the map. Any length.
        target: `(n, d)` vectors of the same images as gallery.
        identity: `(n,)` names.
        image_id: `(n,)` names of the images, each once.
        queries: `(q,)` rows of the queries, from `choose_queries`.
        depth: Entries of the list, at least 1; all of them where the gallery is smaller.

    Returns:
        For each query a row of rank 0, the query itself (no score), and rows of rank 1 to depth. Columns query (image),
        gallery (its size), found (entries of the list that are of its identity), findable (how many could be: all its
        other images, or as many as the list is long), rank, image_id, identity, score (cosine, in [-1, 1]) and correct
        (whether the identity is that of the query).

    Raises:
        ValueError: Lengths differ, a vector has no direction, or depth < 1.
    """
    if not len(probe) == len(target) == len(identity) == len(image_id):
        raise ValueError(
            f"{len(probe)} probes and {len(target)} gallery vectors for {len(identity)} identities and "
            f"{len(image_id)} images"
        )
    if depth < 1:
        raise ValueError(f"a list has at least one entry, got {depth}")
    names, images = np.asarray(identity, str), np.asarray(image_id, str)
    # The gallery in an order of its own: rounding depends on where in a product a row stands.
    gallery = np.argsort(images, kind="stable")
    tables = []
    for rows, scores in cosine_blocks(probe[queries], target[gallery], len(queries)):
        for query, found in zip(queries[rows], scores, strict=True):
            correct = names[gallery] == names[query]
            order = np.lexsort((correct, -found))
            order = order[gallery[order] != query][:depth]
            listed = np.concatenate([[query], gallery[order]])
            table = pd.DataFrame(
                {
                    "query": images[query],
                    "gallery": len(gallery) - 1,
                    "found": int(np.sum(correct[order])),
                    "findable": min(int(correct.sum()) - 1, len(order)),
                    "rank": np.arange(len(listed)),
                    "image_id": images[listed],
                    "identity": names[listed],
                    "score": np.concatenate([[np.nan], found[order].astype(np.float64)]),
                    "correct": names[listed] == names[query],
                }
            )
            tables.append(table)
    return pd.concat(tables, ignore_index=True)
