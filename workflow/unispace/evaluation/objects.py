"""Classification of objects by the protocols of a study, as tidy rows."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from unispace.config.evaluation import Evaluation, LinearProbe
from unispace.data.held_out import HELD_OUT
from unispace.evaluation import chance
from unispace.evaluation.classification import classify, leave_one_out, nearest_neighbours
from unispace.evaluation.draws import over_draws
from unispace.evaluation.linear_probe import (
    NotConverged,
    Probe,
    choose_probe,
    drawn_of_each,
    fit_probe,
)
from unispace.evaluation.measure import Measure
from unispace.evaluation.tasks import LEAVE_ONE_OUT
from unispace.evaluation.tidy import Cell, rows

log = logging.getLogger(__name__)

Stream = Callable[[], np.random.Generator]
"""The random numbers of a table, from their beginning: each protocol gets the same, whatever others there are."""
Labels = NDArray[np.integer]
Fit = Callable[[NDArray[np.floating], Labels], Probe]


@dataclass(frozen=True, eq=False)
class Labelled:
    """Images of objects.

    Attributes:
        vectors: `(n, d)`.
        label: `(n,)` names of classes.
    """

    vectors: NDArray[np.floating]
    label: NDArray[np.str_]


@dataclass(frozen=True, eq=False)
class Objects:
    """A data set of objects, and what its classes are known from.

    Attributes:
        test: the images that are tested.
        train: images with known classes, which hold all classes of `test`; None where there are none.
        val: images of the same classes that settings are chosen on, or None.
        held_out: images of classes or kinds that no training may see, tested apart, or None.
    """

    test: Labelled
    train: Labelled | None = None
    val: Labelled | None = None
    held_out: Labelled | None = None


def classify_images(
    cell: Cell, objects: Objects, settings: Evaluation, stream: Stream
) -> pd.DataFrame:
    """Classification by every protocol that the data set allows.

    With images of known classes `knn-5` and, where the study asks for it, `linear-probe` (C chosen on the val images)
    and `linear-probe-C=...` (C fixed), each also as `.../16-per-class`; without them `knn-5-loo`, in which every image is classified by all others.
    Images that are held out are classified by each other: `knn-5-loo/held_out`. The 5 is `neighbours`.

    Args:
        cell: what the numbers are about; experiment and protocol are filled in.
        objects: the images.
        settings: the study's part on evaluation.
        stream: random numbers.
    """
    k, tables = settings.neighbours, []

    def add(protocol: str, measures: Iterable[Measure]) -> None:
        about = dataclasses.replace(cell, experiment="classification", protocol=protocol)
        tables.append(rows(about, measures))

    if objects.train is None:
        add(f"knn-{k}{LEAVE_ONE_OUT}", _among_themselves(objects.test, settings, stream))
    else:
        _, (fit, true) = _coded(objects.train, objects.test)
        found = nearest_neighbours(objects.train.vectors, fit, objects.test.vectors, k)
        add(f"knn-{k}", classify(found, true, settings.resamples, stream()))
        if settings.linear_probe is not None:
            for protocol, measures in _probed(objects, settings.linear_probe, settings, stream):
                add(protocol, measures)
    if objects.held_out is not None:
        add(
            f"knn-{k}{LEAVE_ONE_OUT}/{HELD_OUT}",
            _among_themselves(objects.held_out, settings, stream),
        )
    return pd.concat(tables, ignore_index=True)


def _coded(train: Labelled, *others: Labelled) -> tuple[int, list[Labels]]:
    """Number of known classes, and labels as their numbers; -1 where a class is not known."""
    names, known = np.unique(train.label, return_inverse=True)
    codes: list[Labels] = [known]
    for other in others:
        place = np.minimum(np.searchsorted(names, other.label), len(names) - 1)
        codes.append(np.where(names[place] == other.label, place, -1))
    return len(names), codes


def _among_themselves(images: Labelled, settings: Evaluation, stream: Stream) -> list[Measure]:
    codes = np.unique(images.label, return_inverse=True)[1]
    k, n = settings.neighbours, len(codes)
    if k >= n:
        return _failed(codes, f"{k} neighbours among {n} images, which takes at least {k + 1}")
    found = leave_one_out(images.vectors, codes, k)
    return classify(found, codes, settings.resamples, stream())


def _probed(
    objects: Objects, probe: LinearProbe, settings: Evaluation, stream: Stream
) -> Iterator[tuple[str, list[Measure]]]:
    """Protocol and measures of every linear probe."""
    train, val, test = objects.train, objects.val, objects.test
    if train is None:
        raise ValueError("a linear probe takes images of known classes")
    classes, (known, true) = _coded(train, test)

    def measured(protocol: str, fit: Fit) -> tuple[str, list[Measure]]:
        if classes < 2:
            return protocol, _failed(true, "a linear probe takes at least 2 classes")
        try:
            return protocol, tested(protocol, fit(train.vectors, known))
        except NotConverged as reason:
            return protocol, _failed(true, reason)

    def tested(protocol: str, fitted: Probe) -> list[Measure]:
        log.info(
            "%s: C = %g, right on val for each C: %s",
            protocol,
            fitted.penalty,
            ", ".join(f"{share:.3f}" for share in fitted.accuracy) or "not asked",
        )
        found = fitted.predict(test.vectors)
        return classify(found, true, settings.resamples, stream())

    def few(protocol: str, fit: Fit, count: int) -> tuple[str, list[Measure]]:
        """The same on some images of each class, for each draw."""
        name, draws = f"{protocol}/{count}-per-class", []
        if classes < 2:
            return name, _failed(true, "a linear probe takes at least 2 classes")
        for seed in probe.seeds:
            rows = drawn_of_each(known, count, np.random.default_rng(seed))
            try:
                draws.append(tested(name, fit(train.vectors[rows], known[rows])))
            except NotConverged as reason:
                return name, _failed(true, f"seed {seed}: {reason}")
        return name, over_draws(draws)

    fits: dict[str, Fit] = {}
    if val is None:
        why = "there is no val split to choose C on; set evaluation.linear_probe.fixed for a fixed one"
        yield "linear-probe", _failed(true, why)
    else:
        val_vectors, val_codes = val.vectors, _coded(train, val)[1][1]

        def chosen(vectors: NDArray[np.floating], label: Labels) -> Probe:
            return choose_probe(
                vectors, label, val_vectors, val_codes, probe.penalties, probe.iterations
            )

        fits["linear-probe"] = chosen
    fixed = probe.fixed
    if fixed is not None:

        def as_given(vectors: NDArray[np.floating], label: Labels) -> Probe:
            return fit_probe(vectors, label, fixed, probe.iterations)

        fits[f"linear-probe-C={fixed:g}"] = as_given
    for protocol, fit in fits.items():
        yield measured(protocol, fit)
    if probe.images_per_class is not None:
        for protocol, fit in fits.items():
            yield few(protocol, fit, probe.images_per_class)


def _failed(label: Labels, why: str | Exception) -> list[Measure]:
    """The measures of `classify` as failed cells."""
    by_chance = {
        "top-1": chance.majority(label),
        "balanced-accuracy": 1 / len(np.unique(label)),
    }
    return [Measure.failed(m, len(label), "class", why, c) for m, c in by_chance.items()]
