"""Linear maps between embedding spaces."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from unispace.config.base import Distinct, Name, Settings


class Empty(Settings):
    """A method without settings."""


class Ridge(Settings):
    """Least squares with a penalty on the size of the map."""

    alpha: Annotated[float, Field(gt=0)] = 0.1
    """Penalty on the squared Frobenius norm (paper: 0.1)."""


class Methods(Settings):
    """Which maps are fitted; leave one out to skip it."""

    baseline: Empty | None = None
    """Unaligned: centred and zero-padded, nothing fitted."""
    procrustes: Empty | None = None
    """Best rotation or reflection."""
    linear: Empty | None = None
    """Least squares of minimum norm."""
    ridge: Ridge | None = None
    """Penalised least squares."""

    def chosen(self) -> tuple[str, ...]:
        """Names of the methods in use, in a fixed order."""
        return tuple(name for name in type(self).model_fields if getattr(self, name) is not None)


class Maps(Settings):
    """Maps between all ordered pairs of the named models."""

    models: Distinct[str] = ()
    """Models as backbone/curriculum/seedN; every ordered pair of them is mapped."""
    datasets: Distinct[Name] = ()
    """Data sets of identities on which maps are fitted and tested."""
    split: Name = "test"
    """The split whose identities are divided into a fit and a test part: unseen in training."""
    fit_share: Annotated[float, Field(gt=0, lt=1)] = 0.7
    """Share of the identities that the maps are fitted on (paper: 0.7); the rest is tested."""
    methods: Methods = Methods(baseline=Empty(), procrustes=Empty(), linear=Empty(), ridge=Ridge())
    """The maps."""
