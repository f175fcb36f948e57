"""What is measured."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from unispace.config.base import Distinct, Name, Settings

Rate = Annotated[float, Field(gt=0, lt=1)]


class Evaluation(Settings):
    """Metrics, operating points and intervals."""

    datasets: Distinct[Name] = ()
    """Data sets that every model is tested on."""
    split: Name = "test"
    """The split that is tested."""
    fmr: Distinct[Rate] = (0.001, 0.01, 0.1)
    """False match rates at which the true match rate is given, where the data supports them."""
    ranks: Distinct[Annotated[int, Field(ge=1)]] = (1, 5, 10)
    """Ranks of identification."""
    neighbours: Annotated[int, Field(ge=1)] = 5
    """Neighbours that vote in object classification."""
    resamples: Annotated[int, Field(ge=100, le=100_000)] = 500
    """Bootstrap resamples of identities or classes behind each 95 % interval."""
