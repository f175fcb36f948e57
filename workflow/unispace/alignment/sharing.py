"""Fits of several methods on the same rows, one pair of clouds after another."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

import numpy as np
from numpy.typing import NDArray

from unispace.alignment.cloud import Cloud
from unispace.alignment.fit import fit_map
from unispace.alignment.mapping import Map
from unispace.alignment.pairs import Pairs
from unispace.config.methods import Method

Vectors = NDArray[np.floating]


def sharing_fits(
    methods: Mapping[str, Method], stream: Callable[[str, int], np.random.Generator]
) -> dict[str, Callable[[Vectors, Vectors], Map]]:
    """A fit for each method; those that get the same two arrays after each other share their factorisation.

    Args:
        methods: kinds and settings by name, none of which needs to know identities.
        stream: name of a method and number of rows to the random numbers of that fit.
    """
    last = _Last()
    return {name: partial(last.fit, name, method, stream) for name, method in methods.items()}


class _Last:
    """The clouds that were fitted last."""

    def __init__(self) -> None:
        self._known: tuple[Vectors, Vectors, Cloud, Cloud, Pairs] | None = None

    def fit(
        self,
        name: str,
        method: Method,
        stream: Callable[[str, int], np.random.Generator],
        source: Vectors,
        target: Vectors,
    ) -> Map:
        """Fit one map.

        Raises:
            ValueError: as `fit_map`.
        """
        known = self._known
        # They are held, so that no other array can take their place in memory and be taken for them.
        if known is None or known[0] is not source or known[1] is not target:
            clouds = Cloud(source, name="source"), Cloud(target, name="target")
            known = self._known = (source, target, *clouds, Pairs())
        return fit_map(method, known[2], known[3], stream(name, len(source)), known[4])
