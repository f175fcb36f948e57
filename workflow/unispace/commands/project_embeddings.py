"""Draw the space of each model in two dimensions, all data sets together."""

from __future__ import annotations

import argparse
import json
import logging
from pathlib import Path

import numpy as np
import pandas as pd

from unispace.analysis.views import view
from unispace.data.splits import fractions
from unispace.records.embeddings import read_embeddings
from unispace.records.files import read_json
from unispace.records.results import VIEW_SCHEMA
from unispace.records.tables import write_table

log = logging.getLogger(__name__)


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "--settings", required=True, help="JSON: models, datasets, split, images, seed"
    )
    parser.add_argument("--embeddings", type=Path, required=True, help="folder of all embeddings")
    parser.add_argument("--views", type=Path, required=True)


def run(arguments: argparse.Namespace) -> None:
    """Run the command."""
    settings = json.loads(arguments.settings)
    tables = [VIEW_SCHEMA.empty_table().to_pandas()]
    for model in settings["models"]:
        vectors, index = [], []
        card = read_json(arguments.embeddings / model / settings["datasets"][0] / "embedding.json")
        if why := card.get("failed"):
            log.warning("%s: not shown, since it failed: %s", model, why)
            continue
        for dataset in settings["datasets"]:
            part = read_embeddings(arguments.embeddings / model / dataset).of_split(
                settings["split"]
            )
            # Whole identities are shown rather than single images of many.
            order = np.lexsort(
                [fractions(part.index["image_id"]), fractions(part.index["label"], "view")]
            )[: settings["images"]]
            vectors.append(part.vectors[order])
            index.append(
                part.index.iloc[order][["image_id", "domain", "label"]].assign(dataset=dataset)
            )
        placed = view(np.concatenate(vectors), settings["seed"])
        log.info("%s: %d images placed", model, len(placed))
        tables.append(
            pd.concat(index, ignore_index=True).assign(model=model, x=placed[:, 0], y=placed[:, 1])
        )
    write_table(pd.concat(tables, ignore_index=True), VIEW_SCHEMA, arguments.views)
