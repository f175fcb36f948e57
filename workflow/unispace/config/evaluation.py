"""What is measured."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from unispace.config.base import Distinct, DistinctSome, Name, Settings

Rate = Annotated[float, Field(gt=0, lt=1)]


Verification = Literal["all-pairs", "balanced", "folds", "official"]
Identification = Literal[
    "enrol-one", "self-excluded", "self-in-gallery", "paper", "query-gallery", "open-set"
]


class Evaluation(Settings):
    """Metrics, operating points and intervals."""

    datasets: Distinct[Name] = ()
    """Data sets that every model is tested on."""
    split: Name = "test"
    """The split that is tested."""
    fmr: Distinct[Rate] = (0.001, 0.01, 0.1)
    """False match rates at which the true match rate is given, where the data supports them."""
    verification: DistinctSome[Verification] = ("all-pairs",)
    """How pairs are chosen. `all-pairs`: all of them; `balanced`: all genuine and equally many impostor pairs;
    `folds`: balanced pairs in identity-disjoint folds, with the accuracy as on LFW; `official`: the lists of the
    data sets that have `pairs`."""
    folds: Annotated[int, Field(ge=2, le=100)] = 10
    """Number of folds of `folds`."""
    identification: DistinctSome[Identification] = ("enrol-one",)
    """Who is searched for among whom. `enrol-one`: one image of each identity is the gallery, the others are
    probes; `self-excluded`: all images are probes and gallery, without the probe's own image; `self-in-gallery`:
    with it; `paper`: that, with the average precision cut at rank 50, as the compatibility paper publishes it;
    `query-gallery`: as the data set says, where `splits.rename` names `query` and `gallery`; `open-set`: some
    identities are not enrolled. Except for the third and fourth, cameras are crossed where a data set has them."""
    known: Rate = 0.5
    """Share of the identities that are enrolled in `open-set`, chosen by hash."""
    fpir: Distinct[Rate] = (0.01, 0.1)
    """False positive identification rates at which `open-set` is given, where the data supports them."""
    ranks: Distinct[Annotated[int, Field(ge=1)]] = (1, 5, 10)
    """Ranks of identification."""
    neighbours: Annotated[int, Field(ge=1)] = 5
    """Neighbours that vote in object classification."""
    resamples: Annotated[int, Field(ge=100, le=100_000)] = 500
    """Bootstrap resamples of identities or classes behind each 95 % interval."""
