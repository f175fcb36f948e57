"""Search the evaluated data sets for images that a model finds nearly the same."""

from __future__ import annotations

import argparse
import json
import logging
from pathlib import Path

import numpy as np
import pandas as pd

from unispace.data.audit.neighbours import alike
from unispace.data.audit.parts import Plan
from unispace.data.splits import fractions
from unispace.records.audit import SCHEMA
from unispace.records.embeddings import read_embeddings
from unispace.records.tables import write_table


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "--settings",
        required=True,
        help="JSON: datasets, families, trained, split, model, alike, images_compared",
    )
    parser.add_argument("--embeddings", type=Path, required=True, help="folder of the model")
    parser.add_argument("--table", type=Path, required=True)


def run(arguments: argparse.Namespace) -> None:
    """Run the command."""
    settings = json.loads(arguments.settings)
    order = settings["datasets"]
    plan = Plan(
        {name: settings["families"][name] for name in order},
        settings["trained"],
        order,
        settings["split"],
        (),
    )
    tables, vectors = [], []
    for name in order:
        embeddings = read_embeddings(arguments.embeddings / name)
        index = embeddings.index
        chosen = np.sort(np.argsort(fractions(index["image_id"]))[: settings["images_compared"]])
        tables.append(index.iloc[chosen][["split", "image_id"]].assign(dataset=name))
        vectors.append(embeddings.vectors[chosen])
    images = pd.concat(tables, ignore_index=True)
    rows = alike(images, np.concatenate(vectors), plan, settings["model"], settings["alike"])
    table = pd.DataFrame(rows)
    write_table(table, SCHEMA, arguments.table)
    logging.getLogger(__name__).info("%d images\n%s", len(images), table.to_string(index=False))
