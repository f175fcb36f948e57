"""Search a few test images across models, by each map that is shown."""

from __future__ import annotations

import argparse
import json
import logging
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd

from unispace.commands.common.shown import read_shown
from unispace.errors import UserError
from unispace.evaluation.retrieval import choose_queries, retrieve
from unispace.records.images import ImageStore
from unispace.records.manifest import read_manifest
from unispace.records.results import RETRIEVAL_SCHEMA
from unispace.records.tables import write_table
from unispace.records.thumbnails import thumbnail

log = logging.getLogger(__name__)

# Pixels of a picture: as many as a cell of the figure has, twice as many for the query.
_SIDE = 60


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("--settings", required=True, help="JSON: pairs, methods")
    parser.add_argument("--embeddings", type=Path, required=True, help="folder of all embeddings")
    parser.add_argument("--maps", type=Path, required=True, help="folder of the fitted maps")
    parser.add_argument(
        "--data", type=Path, nargs="+", required=True,
        help="manifest of the tested data set and, where it has images, its image store",
    )  # fmt: skip
    parser.add_argument("--examples", type=Path, required=True)


def run(arguments: argparse.Namespace) -> None:
    """Run the command."""
    settings = json.loads(arguments.settings)
    shown = read_shown(arguments.embeddings, arguments.maps, settings["pairs"], settings["methods"])
    identity, image_id = list(shown.index["identity"]), list(shown.index["image_id"])
    try:
        queries = choose_queries(identity, image_id)
    except ValueError as error:
        raise UserError(f"{shown.dataset}: {error}; write `maps.shown: []`") from error
    tables = []
    for met in shown.maps:
        found = retrieve(met.probe, met.place, identity, image_id, queries)
        if met.status != "ok":
            found = found[found["rank"] == 0].assign(found=None)
        else:
            of_each = found[found["rank"] == 0]
            log.info(
                "%s to %s by %s: found %d of %d",
                met.source, met.target, met.method,
                of_each["found"].sum(), of_each["findable"].sum(),
            )  # fmt: skip
        tables.append(found.astype({"found": "Int64"}).assign(**shown.about(met)))
    examples = pd.concat(tables, ignore_index=True)
    examples["picture"] = _pictures(examples, *arguments.data)
    write_table(examples, RETRIEVAL_SCHEMA, arguments.examples)


def _pictures(
    examples: pd.DataFrame, manifest: Path, store: Path | None = None
) -> list[bytes | None]:
    """The image of each row made small; None where the data set has no images."""
    if store is None:
        return [None] * len(examples)
    rows = read_manifest(manifest, ("image_id", "row")).set_index("image_id")["row"]
    images = ImageStore(store)

    @cache
    def picture(image_id: str, side: int) -> bytes:
        return thumbnail(images.image(int(rows[image_id])), side)

    sides = np.where(examples["rank"] == 0, 2 * _SIDE, _SIDE)
    return [picture(i, int(side)) for i, side in zip(examples["image_id"], sides, strict=True)]
