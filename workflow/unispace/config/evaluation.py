"""What is measured."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from unispace.config.attacks import Attacks
from unispace.config.base import Distinct, DistinctSome, Name, Settings
from unispace.config.templates import TemplateProtocol

Rate = Annotated[float, Field(gt=0, lt=1)]


Verification = Literal["all-pairs", "balanced", "folds", "official"]
Identification = Literal[
    "enrol-one", "self-excluded", "self-in-gallery", "paper", "query-gallery", "open-set"
]
TaskMetric = Literal["AUC", "Rank-1", "top-1"]
MARGINS: dict[TaskMetric, float] = {"AUC": 0.03, "Rank-1": 0.05, "top-1": 0.05}


class LinearProbe(Settings):
    """Logistic regression on frozen embeddings of unit length, fitted on the train split."""

    penalties: DistinctSome[Annotated[float, Field(gt=0)]] = (1.0, 10.0, 100.0, 1000.0)
    """Values of C, the inverse strength of the penalty, of which the best on the val split is taken."""
    fixed: Annotated[float, Field(gt=0)] | None = None
    """Besides, a probe with this C whatever the val split says, as published protocols have it (CLIP: 0.316)."""
    iterations: Annotated[int, Field(ge=1)] = 1000
    """Most iterations of the solver for each C; where they do not suffice, the cell fails."""
    images_per_class: Annotated[int, Field(ge=1)] | None = None
    """Besides, probes that are fitted on this many train images of each class, drawn at random, and on all of classes
    with fewer: protocols such as `linear-probe/16-per-class`, whose numbers are means over the draws, with the
    deviation over them as `top-1-SD`."""
    seeds: DistinctSome[Annotated[int, Field(ge=0)]] = (0, 1, 2)
    """Seeds of these draws, which all models share."""

    @model_validator(mode="after")
    def _several_draws(self) -> LinearProbe:
        if self.images_per_class is not None and len(self.seeds) < 2:
            raise ValueError(
                "seeds: a deviation over draws takes at least 2; write `seeds: [0, 1, 2]`"
            )
        return self


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
    """Neighbours that vote in object classification. They come from the train split, or from that of the data set
    that `gallery` names; where there is neither, and in the split `held_out`, every image is classified by the other
    images of its split (`knn-5-loo`)."""
    gallery: dict[Name, Name] = Field(default={})
    """For data sets of objects, such as `{objects_styles: objects}`: the one whose train split gives the neighbours
    and fits the linear probe, and so names the classes."""
    linear_probe: LinearProbe | None = LinearProbe()
    """The linear probe of data sets of objects; `null` leaves it out."""
    attacks: Attacks = Attacks()
    """Detection of presentation attacks and morphs, on data sets of domains pad and mad."""
    templates: dict[Name, TemplateProtocol] = Field(default={})
    """Data sets of identities whose templates are verified, as in IJB-B and IJB-C."""
    margins: dict[TaskMetric, Rate] = Field(default=dict(MARGINS))
    """Margins of equivalence. A model is equivalent to another one in a task where the 95 % interval of the paired
    difference lies inside plus or minus the margin, and not inferior where it lies above minus the margin."""
    resamples: Annotated[int, Field(ge=100, le=100_000)] = 500
    """Bootstrap resamples of identities or classes behind each 95 % interval."""

    @field_validator("margins")
    @classmethod
    def _every_margin(cls, margins: dict[TaskMetric, float]) -> dict[TaskMetric, float]:
        """A study that changes one margin keeps the others."""
        return {**MARGINS, **margins}
