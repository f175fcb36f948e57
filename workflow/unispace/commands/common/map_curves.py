"""What the commands about curves of maps share: pairs of clouds in, points with bands and headline rows out."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from unispace.alignment.maps import Map
from unispace.alignment.sharing import sharing_fits
from unispace.analysis.bands import bands
from unispace.commands.common import evaluation as io
from unispace.commands.common.maps import Clouds, read_clouds
from unispace.config.maps import Maps
from unispace.errors import UserError
from unispace.evaluation.tidy import Cell, blanked
from unispace.records.code import version_of
from unispace.records.kept_tables import KeptTables, key_of_parts
from unispace.records.tables import write_table


@dataclass(frozen=True)
class Pair:
    """Two models on the same images.

    Attributes:
        source, target: their names.
        first: `(n, d_source)` vectors of the source.
        second: `(n, d_target)` vectors of the target.
        fits: of each method; those of the same rows share their factorisation.
        settings: of each method, as JSON has them.
        cell: what its numbers are about.
    """

    source: str
    target: str
    first: NDArray[np.float32]
    second: NDArray[np.float32]
    fits: Mapping[str, Callable[[NDArray[np.floating], NDArray[np.floating]], Map]]
    settings: Mapping[str, Any]
    cell: Cell

    @property
    def about(self) -> dict[str, Any]:
        """What every point of its curves says."""
        return {
            "dataset": self.cell.dataset,
            "source": self.source,
            "target": self.target,
            "dimension": self.first.shape[1],
        }

    def key(self, method: str, *further: object) -> str:
        """Names what decides the curve of a method, beside what decides those of all pairs.

        Args:
            method: its name, also of one that is not among `fits`.
            further: what else decides it, as JSON has it.
        """
        told = [self.source, self.target, method, self.settings.get(method), further]
        return key_of_parts(json.dumps(told, sort_keys=True), self.first, self.second)


@dataclass(frozen=True)
class Work:
    """What a command is to measure.

    Attributes:
        maps: the part of the study on maps, as far as it concerns the command.
        clouds: vectors of all models that have a part in it.
        failed: models that failed in training, and why.
        pairs: all of them.
        kept: the curves of each map that were measured before, as table `curve`.
    """

    maps: Maps
    clouds: Clouds
    failed: dict[str, str]
    pairs: Sequence[Pair]
    kept: KeptTables


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("--settings", required=True, help="JSON: study, seed, dataset, maps")
    parser.add_argument("--embeddings", type=Path, required=True, help="folder of all embeddings")
    parser.add_argument("--table", type=Path, required=True, help="points of the curves")
    parser.add_argument("--metrics", type=Path, required=True)
    parser.add_argument(
        "--kept", type=Path, help="the curve of each map, for the next time; left out: nothing"
    )


def read_work(
    arguments: argparse.Namespace, command: str, experiment: str, curve: pa.Schema
) -> Work:
    """Read settings and embeddings.

    Args:
        arguments: as `configure` declares them.
        command: the module that measures.
        experiment: `efficiency` or `security`: the part of `maps` that names pairs and methods.
        curve: of what is kept of each map.

    Raises:
        UserError: models embed other images, or there is nothing to measure.
    """
    settings: dict[str, Any] = json.loads(arguments.settings)
    maps = Maps.model_validate(settings["maps"])
    curves = getattr(maps, experiment)
    if not (curves and curves.pairs and curves.methods):
        raise UserError(f"settings: maps.{experiment} names no pairs and methods to measure")
    dataset, seed = settings["dataset"], settings["seed"]
    models = list(dict.fromkeys(model for pair in curves.pairs for model in pair))
    clouds = read_clouds(arguments.embeddings, models, dataset, maps.split)
    methods = {name: maps.methods[name] for name in curves.methods}

    def pair(source: str, target: str) -> Pair:
        def stream(method: str, rows: int) -> np.random.Generator:
            return io.generator(seed, experiment, source, target, method, str(rows))

        ends = [clouds.embeddings[model] for model in (source, target)]
        cell = Cell(
            study=settings["study"], dataset=dataset, seed=seed, experiment=experiment,
            origin=io.origin(command, arguments.settings, *ends),
            source=source, target=target, fitted_on=dataset,
        )  # fmt: skip
        vectors = clouds.vectors
        fits, told = sharing_fits(methods, stream), settings["maps"]["methods"]
        return Pair(source, target, vectors[source], vectors[target], fits, told, cell)

    # Not the pairs and methods, of which each curve names its own.
    others = {
        k: v for k, v in settings["maps"][experiment].items() if k not in ("pairs", "methods")
    }
    shared = [seed, dataset, maps.split, maps.fit_share, others]
    kept = KeptTables(
        arguments.kept,
        {"curve": curve},
        key_of_parts(
            version_of(command, "numpy", "scipy", "scikit-learn", "pandas", "pyarrow"),
            json.dumps(shared, sort_keys=True),
            clouds.identity,
            list(clouds.index["image_id"]),
        ),
    )
    return Work(
        maps,
        clouds,
        io.failures({m: arguments.embeddings / m / dataset for m in models}),
        [pair(*ends) for ends in curves.pairs],
        kept,
    )


def add_curves(
    kept: KeptTables, keys: Mapping[str, str], measure: Callable[[list[str]], pd.DataFrame]
) -> None:
    """Measure those methods of which nothing is kept, all at once, since they share what they are made of.

    Args:
        kept: what was measured before.
        keys: of the methods of one curve, `Pair.key`. Nothing that a method shares depends on which others there are.
        measure: names of methods to their curves.
    """
    wanted = [method for method, key in keys.items() if not kept.has(key)]
    fresh = dict(list(measure(wanted).groupby("method"))) if wanted else {}
    for method, key in keys.items():
        kept.add(key, lambda method=method: {"curve": fresh[method]})


def together(curves: Sequence[pd.DataFrame], by: Sequence[str]) -> pd.DataFrame:
    """The curves of single methods as if they had been measured together: point by point, in each all methods.

    Args:
        curves: of each method, in their order.
        by: columns that name a point, the slowest first; points come in the order in which the curves have their values.
    """
    whole = pd.concat(curves, ignore_index=True)
    places = [pd.factorize(whole[name])[0] for name in by]
    return whole.iloc[np.lexsort(places[::-1])].reset_index(drop=True)


def points(curve: pd.DataFrame, by: Sequence[str], counted: Sequence[str]) -> pd.DataFrame:
    """The points of a curve over seeds as one with a band.

    Args:
        curve: rows of all seeds.
        by: columns that name a point.
        counted: columns of which a point has the mean over seeds.
    """
    seeds = curve.groupby(list(by), sort=False, dropna=False)
    band = bands(curve, by).rename(columns={"mean": "value"})
    found = {name: seeds[name].mean().to_numpy(float) for name in counted}
    return band.assign(n=seeds["n"].min().to_numpy(), **found)


def out_of_reach(
    like: pd.DataFrame, column: str, sizes: Sequence[int], why: Callable[[int], str]
) -> pd.DataFrame:
    """Points at sizes that the data do not have: each is a failed row that says so.

    Args:
        like: points of one size that was measured; `column` and the numbers are replaced.
        column: holds the sizes.
        sizes: which cannot be measured.
        why: of a size.
    """
    nothing = {name: np.nan for name in ("value", "std", "lower", "upper") if name in like}
    return pd.concat(
        [like[:0], *(like.assign(**{column: k, "status": f"failed: {why(k)}"}, **nothing) for k in sizes)],
        ignore_index=True,
    )  # fmt: skip


def write(
    work: Work,
    tables: Sequence[pd.DataFrame],
    metrics: Sequence[pd.DataFrame],
    schema: pa.Schema,
    arguments: argparse.Namespace,
) -> None:
    """Write points and headline rows, those of failed models without numbers."""
    frame = blanked(pd.concat(tables, ignore_index=True)[list(schema.names)], work.failed)
    write_table(frame, schema, arguments.table)
    io.write_metrics(metrics, arguments.metrics, work.failed)
