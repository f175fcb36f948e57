"""All subspaces of one model by all its tasks, as two tables: the curves, and how many components it takes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from unispace.analysis.subspaces import Basis, principal_components, random_basis
from unispace.analysis.transfer import (
    KEPT,
    Kept,
    Resampled,
    Score,
    Task,
    kept_first,
    mean_score,
    sizes_within,
    without_first,
)

Doubles = NDArray[np.float64]
Vectors = NDArray[np.floating]


@dataclass(frozen=True)
class Plan:
    """Which subspaces are tested.

    Attributes:
        components: numbers of components that are kept.
        removed: numbers of first components that are removed.
        random_subspaces: random bases that are averaged.
        resamples: behind each interval.
    """

    components: Sequence[int]
    removed: Sequence[int]
    random_subspaces: int
    resamples: int


@dataclass
class _Rows:
    """Rows that are collected."""

    curves: list[dict[str, Any]] = field(default_factory=list)
    numbers: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True)
class _About:
    """What some rows are about."""

    basis: str
    source: str | None
    target: str
    centring: str


@dataclass(frozen=True)
class Failed:
    """A target that cannot be tested."""

    metric: str
    unit: str
    why: str


def transfer_tables(
    tasks: Mapping[str, Task | Failed],
    fits: Mapping[str, Vectors],
    unrelated: tuple[str, Vectors] | None,
    plan: Plan,
    seed: int,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Test every target in the subspaces of every source, and in those of the controls.

    Bases are `components` (principal components of the source), `removed` (all but the first of them),
    `unrelated` (components of images of no task), `random` (the mean of random subspaces) and `none` (the space
    as it is, not centred). Centring is by the mean of the source's or of the target's fit images.

    Args:
        tasks: the targets by data set; one that cannot be tested keeps a row.
        fits: `(n, d)` embeddings of the fit split of each of these data sets.
        unrelated: name and `(n, d)` embeddings of images of no task, if any.
        plan: which subspaces.
        seed: of the random bases and of the resamples, which are the same for every model.

    Returns:
        Curves and numbers of components, without the column `model`.
    """
    rows = _Rows()
    means = {name: np.asarray(vectors, np.float64).mean(axis=0) for name, vectors in fits.items()}
    if unrelated is not None:
        means[unrelated[0]] = np.asarray(unrelated[1], np.float64).mean(axis=0)
    sources = [("components", name, vectors) for name, vectors in fits.items()]
    sources += [("unrelated", *unrelated)] if unrelated is not None else []
    for target, task in tasks.items():
        if isinstance(task, Failed):
            _fail(rows, _About("none", None, target, "none"), task, task.why)
            continue
        _as_it_is(rows, target, task, plan, seed)
        for kind, source, vectors in sources:
            try:
                basis = principal_components(vectors)
            except ValueError as reason:
                _fail(rows, _About(kind, source, target, "source"), task, reason)
                continue
            for centring, name in (("source", source), ("target", target)):
                sizes = sizes_within(plan.components, basis)
                scores = kept_first(task, basis, means[name], sizes)
                about = _About(kind, source, target, centring)
                resampled = _resampled(task, scores, plan, seed)
                _kept(rows, about, task, scores, resampled)
                if kind == "components" and centring == "source":
                    _removed(rows, about, task, basis, means[name], plan, resampled)
        scores = _random(task, means[target], plan, seed)
        about = _About("random", None, target, "target")
        _kept(rows, about, task, scores, _resampled(task, scores, plan, seed))
    return pd.DataFrame(rows.curves), pd.DataFrame(rows.numbers)


def _resampled(task: Task, scores: Mapping[int, Score], plan: Plan, seed: int) -> Resampled:
    """The same draws for every subspace of a target: the seed alone decides."""
    return Resampled(task, scores[max(scores)], plan.resamples, np.random.default_rng(seed))


def _random(task: Task, centre: Doubles, plan: Plan, seed: int) -> dict[int, Score]:
    draws = []
    rng = np.random.default_rng([seed, 1])
    for _ in range(plan.random_subspaces):
        basis = random_basis(len(centre), rng)
        draws.append(kept_first(task, basis, centre, sizes_within(plan.components, basis)))
    return {k: mean_score([scores[k] for scores in draws]) for k in draws[0]}


def _as_it_is(rows: _Rows, target: str, task: Task, plan: Plan, seed: int) -> None:
    """The space itself, where nothing is subtracted: what the results of the study give."""
    d = task.left.shape[1]
    scores = kept_first(task, Basis(np.eye(d), d), np.zeros(d), [d])
    about = _About("none", None, target, "none")
    for row in _curve(about, task, scores, _resampled(task, scores, plan, seed)):
        rows.curves.append(row)


def _kept(
    rows: _Rows, about: _About, task: Task, scores: Mapping[int, Score], resampled: Resampled
) -> None:
    """A curve, and the numbers of components that keep enough of it."""
    rows.curves += _curve(about, task, scores, resampled)
    for measure in ("value", "gain"):
        for share in KEPT:
            kept, dimension = resampled.components(scores, share, gain=measure == "gain")
            rows.numbers.append(
                {
                    **asdict(about),
                    "metric": task.metric,
                    "measure": measure,
                    "share": share,
                    "components": kept.value,
                    "lower": kept.lower,
                    "upper": kept.upper,
                    "dimension": dimension,
                    "status": kept.status,
                }
            )


def _removed(
    rows: _Rows,
    about: _About,
    task: Task,
    basis: Basis,
    centre: Doubles,
    plan: Plan,
    resampled: Resampled,
) -> None:
    """What is left without the first components."""
    removed = [m for m in plan.removed if m < basis.rank]
    if removed:
        scores = without_first(task, basis, centre, removed)
        other = _About("removed", about.source, about.target, about.centring)
        rows.curves += _curve(other, task, scores, resampled, removed=True)


def _curve(
    about: _About,
    task: Task,
    scores: Mapping[int, Score],
    resampled: Resampled,
    *,
    removed: bool = False,
) -> Iterator[dict[str, Any]]:
    d = task.left.shape[1]
    for number, score in scores.items():
        lower, upper = resampled.interval(score)
        kept, gain = (resampled.kept(score, gain=gain) for gain in (False, True))
        yield {
            **asdict(about),
            "components": d - number if removed else number,
            "removed": number if removed else 0,
            "metric": task.metric,
            "value": score.value,
            "lower": lower,
            "upper": upper,
            "chance": task.chance,
            **_numbers("kept", kept),
            **_numbers("gain", gain),
            "n": task.n,
            "unit": task.unit,
            "status": gain.status,
        }


def _numbers(name: str, kept: Kept) -> dict[str, float]:
    return {name: kept.value, f"{name}_lower": kept.lower, f"{name}_upper": kept.upper}


def _fail(rows: _Rows, about: _About, task: Task | Failed, why: object) -> None:
    """One row for what could not be tested."""
    nothing = Kept.failed(str(why))
    rows.curves.append(
        {
            **asdict(about),
            "components": 0,
            "removed": 0,
            "metric": task.metric,
            "value": np.nan,
            "lower": np.nan,
            "upper": np.nan,
            "chance": np.nan,
            **_numbers("kept", nothing),
            **_numbers("gain", nothing),
            "n": 0,
            "unit": task.unit,
            "status": nothing.status,
        }
    )
