"""Which maps between embedding spaces are fitted, and on what."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from unispace.config.base import Distinct, Name, Settings
from unispace.config.methods import Methods


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
    methods: Methods = Field(
        default={"baseline": {}, "procrustes": {}, "linear": {}, "ridge": {"alpha": 0.1}}
    )
    """The maps, each under a name of your choice. A name that is a kind is short for `kind: NAME`; the kinds are
    baseline, procrustes, linear, ridge (paper), whitened-procrustes, cca, orthogonal-gradient, quadratic, mlp, and the
    controls random-orthogonal, shuffled and mean-only."""
