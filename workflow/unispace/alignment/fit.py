"""Fit maps: one, or every kind between all ordered pairs of models from shared factorisations."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import assert_never

import numpy as np

from unispace.alignment import gradient, linear, nonlinear, penalty
from unispace.alignment.cloud import Cloud
from unispace.alignment.mapping import Map
from unispace.alignment.pairs import Pair, Pairs
from unispace.config.methods import (
    Baseline,
    Cca,
    Fitted,
    Linear,
    MeanOnly,
    Method,
    Mlp,
    OrthogonalGradient,
    Placed,
    Procrustes,
    Quadratic,
    RandomOrthogonal,
    Ridge,
    Shuffled,
    WhitenedProcrustes,
)

Stream = Callable[[str, str, str], np.random.Generator]
"""Source, target and name of a method to the random numbers of that map."""


def fit_map(
    method: Method,
    source: Cloud,
    target: Cloud,
    rng: np.random.Generator,
    pairs: Pairs | None = None,
) -> Map:
    """Fit one map.

    Args:
        method: Kind and settings, see `config.methods`.
        source: Fit rows of the source model.
        target: Fit rows of the target model: of the same images in the same order.
        rng: Random numbers, for kinds that need some: `random-orthogonal`, `shuffled`, `orthogonal-gradient`, `mlp`.
        pairs: What maps between these two models share; None to share nothing.

    Raises:
        ValueError: Rows differ in number or identity, or are too few; vectors that are all equal; identities that are
            needed (`other-images`, `centroids`, several penalties) and not known or too few.
    """
    pairs = Pairs() if pairs is None else pairs
    shuffled = isinstance(method, Shuffled)
    fitted = method.of if shuffled else method
    rows = pairs.corresponding(source, target, _fit_on(fitted), centred=_centred(fitted))
    if shuffled:
        rows = Pair(rows.source, rows.target.reordered(rng.permutation(len(rows))))
    made = _fit(fitted, rows, pairs, rng)
    if shuffled:
        settings = {"of": fitted.kind, **made.settings}
        made = replace(made, method=method.kind, settings=settings)
    return made


def fit_all(
    methods: Mapping[str, Method],
    clouds: Mapping[str, Cloud],
    wanted: Iterable[tuple[str, str]],
    stream: Stream,
) -> Iterator[tuple[str, str, str, Map]]:
    """Fit every method between ordered pairs of models, each cloud factorised once.

    Both directions of two models follow each other, because they share their cross product. What two models share is
    given up before the next two.

    Args:
        methods: Kinds and settings by name.
        clouds: Fit rows by model, all of the same images in the same order.
        wanted: Ordered pairs (source, target).
        stream: Random numbers of each map.

    Yields:
        Source, target, name of the method, and the map.

    Raises:
        ValueError: As `fit_map`, with the names of the models.
    """
    directions: dict[frozenset[str], list[tuple[str, str]]] = {}
    for source, target in wanted:
        directions.setdefault(frozenset((source, target)), []).append((source, target))
    for ordered in directions.values():
        pairs = Pairs()
        for source, target in ordered:
            for name, method in methods.items():
                rng = stream(source, target, name)
                yield (
                    source,
                    target,
                    name,
                    fit_map(method, clouds[source], clouds[target], rng, pairs),
                )


def _fit(method: Method, rows: Pair, pairs: Pairs, rng: np.random.Generator) -> Map:
    """Fit on rows that belong together."""
    products = method.components if isinstance(method, Quadratic) else None

    def laid(pair: Pair) -> Pair:
        pair = pairs.laid(pair, _mismatch(method))
        if products is None:
            return pair
        return pairs.pair(pair.source.with_products(products), pair.target)

    def fold(number: int, count: int) -> penalty.Fold:
        ends = rows.source, rows.target
        source, target = (cloud.without(number, count) for cloud in ends)
        out = rows.source.in_fold(number, count)
        held_x, held_y = (cloud.vectors[out] for cloud in ends)
        return laid(pairs.pair(source, target)), held_x, held_y

    pair = laid(rows)
    match method:
        case Baseline():
            return linear.fit_baseline(pair, method)
        case MeanOnly():
            return linear.fit_mean_only(pair, method)
        case RandomOrthogonal():
            return linear.fit_random_orthogonal(pair, method, rng)
        case Procrustes():
            return linear.fit_procrustes(pair, method)
        case Linear():
            return linear.fit_linear(pair, method)
        case Ridge():
            return penalty.fit_ridge(pair, method, fold)
        case WhitenedProcrustes():
            return linear.fit_whitened_procrustes(pair, method)
        case Cca():
            return linear.fit_cca(pair, method)
        case OrthogonalGradient():
            return gradient.fit_orthogonal_gradient(pair, method, rng)
        case Quadratic():
            return nonlinear.fit_quadratic(pair, method, fold)
        case Mlp():
            return nonlinear.fit_mlp(pair, method, rng)
        case Shuffled():
            raise TypeError("what is shuffled is fitted by another kind")
    assert_never(method)


def _fit_on(method: Method) -> str:
    return method.fit_on if isinstance(method, Fitted | Cca) else "images"


def _centred(method: Method) -> bool:
    """Whether means are taken off for the fit; an intercept does the same, see `linear.finished`."""
    if not isinstance(method, Placed):
        return True
    return method.centre or (isinstance(method, Fitted) and method.intercept)


def _mismatch(method: Method) -> str:
    """CCA brings both spaces to its components, whatever their dimensions."""
    return method.mismatch if isinstance(method, Placed | MeanOnly) else "pad"
