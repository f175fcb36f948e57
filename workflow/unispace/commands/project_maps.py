"""Draw two spaces in one picture, by each map that is shown."""

from __future__ import annotations

import argparse
import json
import logging
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from unispace.analysis.choice import most_pictured
from unispace.analysis.views import joint_views
from unispace.commands.common.shown import Met, read_shown
from unispace.records.code import version_of
from unispace.records.kept_tables import Frames, KeptTables, key_of_parts
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
    parser.add_argument(
        "--kept", type=Path, help="what was made of each map, for the next time; left out: nothing"
    )


def run(arguments: argparse.Namespace) -> None:
    """Run the command."""
    settings = json.loads(arguments.settings)
    shown = read_shown(arguments.embeddings, arguments.maps, settings["pairs"], settings["methods"])
    rows = most_pictured(shown.index["identity"], shown.index["image_id"], _PEOPLE, _IMAGES)
    index = shown.index.iloc[rows][["image_id", "identity"]]
    seed = settings["seed"]
    kept = KeptTables(
        arguments.kept,
        {"views": MAP_VIEW_SCHEMA},
        key_of_parts(
            version_of("project_maps", "numpy", "scipy", "scikit-learn", "pandas", "pyarrow"),
            json.dumps(seed),
            index.to_csv(index=False),
        ),
    )
    for met in shown.maps:
        about = shown.about(met)
        key = key_of_parts(json.dumps(about), met.probe[rows], met.place[rows])
        kept.add(key, partial(_views, met, about, index, rows, seed))
    write_table(kept.tables()["views"], MAP_VIEW_SCHEMA, arguments.views)


def _views(
    met: Met, about: dict[str, str], index: pd.DataFrame, rows: NDArray[np.integer], seed: int
) -> Frames:
    """Places of the images of a map in both spaces, in each projection."""
    if met.status == "ok":
        placed = joint_views(met.probe[rows], met.place[rows], seed)
        log.info("%s to %s by %s: placed", met.source, met.target, met.method)
    else:
        nowhere = np.full((2, len(rows), 2), np.nan)
        placed = dict.fromkeys(("t-SNE", "PCA"), nowhere)
        log.warning("%s to %s: not placed, %s", met.source, met.target, met.status)
    tables = [
        index.assign(**about, projection=name, space=space, x=where[:, 0], y=where[:, 1])
        for name, places in placed.items()
        for space, where in zip(("source", "target"), places, strict=True)
    ]
    return {"views": pd.concat(tables, ignore_index=True)}
