"""Maps between the spaces of two models, fitted pair by pair on the same images seen by both.

Unless settings say otherwise, both clouds are centred with the means of the fit rows and zero-padded on the right to
the common width D; no intercept is fitted, since centring on both sides already makes the whole map affine. Rows are
used as they are given; the compatibility study passes rows of unit length (`space.unit_rows`).

Many maps between many models share their factorisations: `fit.fit_all`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter, ValidationError

from unispace.alignment.cloud import Cloud
from unispace.alignment.fit import fit_map
from unispace.alignment.mapping import Map
from unispace.config.methods import KINDS, Method

__all__ = [
    "METHODS",
    "Map",
    "fit_baseline",
    "fit_kind",
    "fit_linear",
    "fit_procrustes",
    "fit_ridge",
    "method_of",
]

_METHOD: TypeAdapter[Method] = TypeAdapter(Method)


def method_of(kind: str, **settings: Any) -> Method:
    """Settings of a kind, checked.

    Args:
        kind: A name in `METHODS`.
        settings: As in a study, see `config.methods`.

    Raises:
        ValueError: An unknown kind or setting, or a value out of range.
    """
    try:
        return _METHOD.validate_python({"kind": kind, **settings})
    except ValidationError as error:
        told = [
            ": ".join([kind, *(str(key) for key in e["loc"][1:2]), e["msg"]])
            for e in error.errors()
        ]
        raise ValueError("; ".join(told)) from None


def fit_kind(
    kind: str,
    source: NDArray[np.floating],
    target: NDArray[np.floating],
    *,
    identity: NDArray[np.generic] | None = None,
    rng: np.random.Generator | None = None,
    **settings: Any,
) -> Map:
    """Fit one map.

    Args:
        kind: A name in `METHODS`.
        source: `(n, d_x)` vectors of the fit split in the source space.
        target: `(n, d_y)` vectors of the same images in the target space.
        identity: `(n,)` whose images they are; needed by `fit_on: other-images` and `centroids`, and to choose among
            several penalties.
        rng: Random numbers for kinds that need some; left out: those of seed 0.
        settings: Of the kind, see `config.methods`.

    Raises:
        ValueError: Row counts differ, fewer than two rows, a value is not finite, all vectors of a model are equal, or
            settings that are not those of the kind.
    """
    method = method_of(kind, **settings)
    return fit_map(
        method,
        Cloud(source, identity, "source"),
        Cloud(target, identity, "target"),
        np.random.default_rng(0) if rng is None else rng,
    )


def fit_baseline(
    source: NDArray[np.floating], target: NDArray[np.floating], **settings: Any
) -> Map:
    """No map: centred, padded vectors are compared as they are; arguments and errors as `fit_kind`."""
    return fit_kind("baseline", source, target, **settings)


def fit_procrustes(
    source: NDArray[np.floating], target: NDArray[np.floating], **settings: Any
) -> Map:
    """Closest rotation, see `linear.fit_procrustes`; arguments and errors as `fit_kind`."""
    return fit_kind("procrustes", source, target, **settings)


def fit_linear(source: NDArray[np.floating], target: NDArray[np.floating], **settings: Any) -> Map:
    """Minimum-norm least squares, see `linear.fit_linear`; arguments and errors as `fit_kind`."""
    return fit_kind("linear", source, target, **settings)


def fit_ridge(
    source: NDArray[np.floating],
    target: NDArray[np.floating],
    alpha: float | tuple[float, ...] = 0.1,
    **settings: Any,
) -> Map:
    """Ridge regression, see `penalty.fit_ridge`; arguments and errors as `fit_kind`.

    Args:
        source: `(n, d_x)`.
        target: `(n, d_y)`.
        alpha: Penalty, > 0, in squared units of the vectors, not divided by n; or a rising tuple to choose from.
        settings: Further ones, and `identity`.
    """
    return fit_kind("ridge", source, target, alpha=alpha, **settings)


METHODS: dict[str, Callable[..., Map]] = {kind: partial(fit_kind, kind) for kind in KINDS}
"""Name of a kind to its fit: `(source (n, d_x), target (n, d_y), **settings) -> Map`."""
