"""What maps do to a space: their shape, what they leave over, and how alike two models are before and after."""

from __future__ import annotations

import argparse
import dataclasses
import json
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from unispace.alignment.mapping import Map
from unispace.alignment.storage import key_of, load_maps
from unispace.analysis.choice import whole_labels
from unispace.analysis.map_effects import MappedImages
from unispace.analysis.map_geometry import Residuals, core, map_geometry, shape_measures
from unispace.analysis.subspaces import Basis, principal_components
from unispace.analysis.transitivity import example_triples
from unispace.commands.common import evaluation as io
from unispace.commands.common.maps import Clouds, read_fitting
from unispace.config.maps import Fitting, Maps
from unispace.evaluation.measure import Measure
from unispace.evaluation.tidy import Cell, rows, rows_of_cells
from unispace.records.code import version_of
from unispace.records.files import read_json
from unispace.records.kept_tables import Frames, KeptTables, key_of_parts
from unispace.records.results import GEOMETRY_SCHEMA, SCHEMA
from unispace.records.tables import write_table

log = logging.getLogger(__name__)

SHAPE, TESTED = "fitted-map", "test-images"
"""Protocols: of a map alone, and of images that it was not fitted on."""
_IMAGES = 500
"""As many as the compatibility paper compares; identities are chosen whole, by a hash."""
_TRIPLES = 6

Read = Callable[[str, str], Mapping[str, tuple[Map, str]]]
"""The maps of a pair by their method, each with what it is called by its content."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "--settings",
        required=True,
        help="JSON: study, seed, fitting, pairs of model and family, methods, maps, evaluation",
    )
    parser.add_argument("--embeddings", type=Path, required=True, help="folder of all embeddings")
    parser.add_argument("--maps", type=Path, required=True, help="folder of the fitted maps")
    parser.add_argument("--metrics", type=Path, required=True)
    parser.add_argument("--geometry", type=Path, required=True, help="numbers by component")
    parser.add_argument(
        "--kept", type=Path, help="what was made of each map, for the next time; left out: nothing"
    )


def run(arguments: argparse.Namespace) -> None:
    """Run the command."""
    settings, evaluation = io.load_settings(arguments.settings)
    fitting, maps = Fitting(**settings["fitting"]), Maps.model_validate(settings["maps"])
    families, methods, seed = dict(settings["families"]), settings["methods"], settings["seed"]
    fit, test, part = read_fitting(arguments.embeddings, list(families), fitting, maps)
    stream = partial(io.generator, seed, "analyse-maps", fitting.test)
    images = _images(test, part.test, evaluation.resamples, stream)
    bases = {m: principal_components(v[part.fit]) for m, v in fit.vectors.items()}
    record = read_json(arguments.maps / "maps.json")
    files = {
        (pair["source"], pair["target"]): arguments.maps / pair["file"]
        for pair in record["pairs"]
        if pair["source"] != pair["target"]
    }
    failed = io.failures({m: arguments.embeddings / m / fitting.test for m in families})
    embedded = [e for clouds in (fit, test) for e in clouds.embeddings.values()]
    origin = io.origin("analyse_maps", arguments.settings, *embedded, files=[*files.values()])
    # The origin names all maps, so it is put into the rows last: those of one map do not depend on others.
    cell = Cell(
        study=settings["study"], dataset=fitting.test, seed=seed, origin="", fitted_on=fitting.fit
    )
    kept = KeptTables(
        arguments.kept,
        {"metrics": SCHEMA, "components": GEOMETRY_SCHEMA},
        key_of_parts(
            version_of("analyse_maps", "numpy", "scipy", "scikit-learn", "pandas", "pyarrow"),
            # Not the models and methods, of which each part names its own.
            json.dumps([settings[part] for part in ("fitting", "maps", "evaluation")]),
            images.identity,
        ),
    )
    # What a model has a part in depends on it by these alone.
    keys = {m: key_of_parts(images.vectors[m], bases[m].axes, str(bases[m].rank)) for m in families}

    @cache
    def read(source: str, target: str) -> Mapping[str, tuple[Map, str]]:
        return {
            n: (m, key_of(m)) for n, m in load_maps(files[source, target]).items() if n in methods
        }

    def add(
        about: Cell, models: Sequence[str], maps: Sequence[str], make: Callable[[], Frames]
    ) -> None:
        told = json.dumps(dataclasses.asdict(about))
        kept.add(key_of_parts(told, [keys[model] for model in models], maps), make)

    for source, target in files:
        about = dataclasses.replace(cell, source=source, target=target)
        alike = dataclasses.replace(about, experiment="similarity", protocol=TESTED)
        add(alike, (source, target), (), partial(_unmapped, images, alike))
        for method in methods:
            fitted, key = read(source, target)[method]
            of_map = dataclasses.replace(about, method=method)
            make = partial(_of_map, images, of_map, fitted, bases[target])
            add(of_map, (source, target), (key,), make)
        log.info("%s to %s: %s", source, target, ", ".join(methods))
    # The model in the middle stands in the protocol, where a failed one would not be seen.
    whole = {model: family for model, family in families.items() if model not in failed}
    for about, steps in _triples(cell, whole, methods, read):
        ends = str(about.source), str(about.target)
        make = partial(_composed, images, about, *(fitted for fitted, _ in steps))
        add(about, ends, [key for _, key in steps], make)
    found = kept.tables()
    io.write_metrics([found["metrics"].assign(origin=origin)], arguments.metrics, failed)
    components = found["components"].groupby(["source", "target", "method"], sort=False)
    write_table(
        pd.concat([_blanked(table, failed) for _, table in components], ignore_index=True),
        GEOMETRY_SCHEMA,
        arguments.geometry,
    )


def _images(
    test: Clouds, tested: np.ndarray, resamples: int, stream: Callable[[str], np.random.Generator]
) -> MappedImages:
    """Some of the tested images, identities whole."""
    names = np.asarray(test.identity, str)[tested]
    kept = np.flatnonzero(tested)[whole_labels(names, _IMAGES)]
    identity = np.unique(np.asarray(test.identity, str)[kept], return_inverse=True)[1]
    log.info("%d of %d tested images", len(kept), len(names))
    vectors = {model: cloud[kept] for model, cloud in test.vectors.items()}
    return MappedImages(vectors, identity, resamples, stream)


def _unmapped(images: MappedImages, cell: Cell) -> Frames:
    """Tidy rows of two models as they are."""
    measures = images.unmapped(str(cell.source), str(cell.target))
    return _frames(rows(cell, measures))


def _of_map(images: MappedImages, cell: Cell, fitted: Map, basis: Basis) -> Frames:
    """Tidy rows of one map, and its numbers by component."""
    ends = str(cell.source), str(cell.target)
    left, unexplained = images.residuals(*ends, fitted, basis)
    measured: list[tuple[str, str, list[Measure]]] = [
        ("similarity", TESTED, images.similarity(*ends, fitted)),
        ("centroids", TESTED, images.centroids(*ends, fitted)),
        ("geometry", TESTED, [unexplained]),
    ]
    singular = np.zeros(0)
    if fitted.matrix is not None:
        shape = map_geometry(core(fitted))
        singular = shape.singular
        measured.append(("geometry", SHAPE, shape_measures(fitted, shape)))
    told = [
        (dataclasses.replace(cell, experiment=experiment, protocol=protocol), measure)
        for experiment, protocol, measures in measured
        for measure in measures
    ]
    return _frames(rows_of_cells(told), _by_component(cell, singular, left))


def _by_component(cell: Cell, singular: np.ndarray, left: Residuals) -> pd.DataFrame:
    count = len(left.variance)
    padded = np.full(count, np.nan)
    padded[: len(singular)] = singular
    return pd.DataFrame(
        {
            **{k: getattr(cell, k) for k in ("fitted_on", "dataset", "source", "target", "method")},
            "component": np.arange(1, count + 1),
            "singular": padded,
            "variance": left.variance,
            "unexplained": left.unexplained,
            "status": "ok",
        }
    )


def _blanked(table: pd.DataFrame, failed: Mapping[str, str]) -> pd.DataFrame:
    """One row that tells why, where one of the models failed: its vectors stand for nothing."""
    ends = table["source"].iloc[0], table["target"].iloc[0]
    why = io.lost(ends, failed)
    if why is None:
        return table
    empty: dict[str, Any] = dict.fromkeys(("singular", "variance", "unexplained"), np.nan)
    return table[:1].assign(component=0, status=why, **empty)


def _triples(
    cell: Cell, families: Mapping[str, str], methods: list[str], read: Read
) -> Iterator[tuple[Cell, list[tuple[Map, str]]]]:
    """Maps that are composed, two steps and the direct one, the model in the middle in the protocol; baselines always compose."""
    for source, middle, target in example_triples(families, _TRIPLES):
        for method in methods:
            steps = [
                read(*pair)[method]
                for pair in ((source, middle), (middle, target), (source, target))
            ]
            if any(step.matrix is None for step, _ in steps):
                continue
            about = dataclasses.replace(
                cell, experiment="transitivity", protocol=f"via {middle}",
                source=source, target=target, method=method,
            )  # fmt: skip
            yield about, steps


def _composed(images: MappedImages, cell: Cell, first: Map, second: Map, direct: Map) -> Frames:
    """Tidy rows of two maps one after the other."""
    ends = str(cell.source), str(cell.target)
    return _frames(rows(cell, images.composed(ends, first, second, direct)))


def _frames(metrics: pd.DataFrame, components: pd.DataFrame | None = None) -> Frames:
    """The rows of a part, and its numbers by component where it is a map."""
    none = GEOMETRY_SCHEMA.empty_table().to_pandas()
    return {
        "metrics": metrics,
        "components": none if components is None else components,
    }
