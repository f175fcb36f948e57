"""Draw two spaces in one picture, by each map that is shown."""

from __future__ import annotations

import argparse
import json
import logging
from pathlib import Path

import numpy as np
import pandas as pd

from unispace.analysis.choice import most_pictured
from unispace.analysis.views import joint_views
from unispace.commands.common.shown import read_shown
from unispace.records.results import MAP_VIEW_SCHEMA
from unispace.records.tables import write_table

log = logging.getLogger(__name__)

# As many as the compatibility paper shows; it does not say how many images of each.
_PEOPLE, _IMAGES = 10, 30


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("--settings", required=True, help="JSON: pairs, methods, seed")
    parser.add_argument("--embeddings", type=Path, required=True, help="folder of all embeddings")
    parser.add_argument("--maps", type=Path, required=True, help="folder of the fitted maps")
    parser.add_argument("--views", type=Path, required=True)


def run(arguments: argparse.Namespace) -> None:
    """Run the command."""
    settings = json.loads(arguments.settings)
    shown = read_shown(arguments.embeddings, arguments.maps, settings["pairs"], settings["methods"])
    rows = most_pictured(shown.index["identity"], shown.index["image_id"], _PEOPLE, _IMAGES)
    index = shown.index.iloc[rows][["image_id", "identity"]]
    nowhere = np.full((2, len(rows), 2), np.nan)
    tables = []
    for met in shown.maps:
        if met.status == "ok":
            placed = joint_views(met.probe[rows], met.place[rows], settings["seed"])
            log.info("%s to %s by %s: placed", met.source, met.target, met.method)
        else:
            placed = dict.fromkeys(("t-SNE", "PCA"), nowhere)
            log.warning("%s to %s: not placed, %s", met.source, met.target, met.status)
        tables += [
            index.assign(
                **shown.about(met), projection=name, space=space, x=where[:, 0], y=where[:, 1]
            )
            for name, places in placed.items()
            for space, where in zip(("source", "target"), places, strict=True)
        ]
    write_table(pd.concat(tables, ignore_index=True), MAP_VIEW_SCHEMA, arguments.views)
