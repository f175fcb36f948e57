"""Claims: sentences of the papers and ours, each with the comparisons that decide whether it holds."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from unispace.config.base import Distinct, DistinctSome, Name, Settings
from unispace.config.evaluation import TaskMetric
from unispace.errors import did_you_mean

Pattern = Annotated[str, Field(min_length=1, max_length=120)]
"""A name, or a pattern with * and ?."""
Number = Annotated[float, Field(ge=-1e6, le=1e6)]
Margin = Annotated[float, Field(gt=0, lt=1)]

COLUMNS = (
    "experiment", "model", "source", "target", "method", "fitted_on", "dataset", "protocol", "metric", "unit",
)  # fmt: skip
"""Columns of the tidy results that a comparison may choose rows by."""
SHIPPED = "workflow/claims/papers.yaml"


class Tested(Settings):
    """What is said about a number."""

    holds: Literal["above", "below", "equivalent", "not-inferior"]
    """`above` or `below` the number `than`; `equivalent`: a difference inside plus or minus the margin, by two
    one-sided tests; `not-inferior`: above minus the margin."""
    than: Number = 0.0
    """Of `above` and `below`."""
    margin: Margin | Literal["study"] | None = None
    """Of the other two: a number, or `study` for evaluation.margins of the metric (kind `models` alone)."""

    @model_validator(mode="after")
    def _either(self) -> Tested:
        if self.holds in ("above", "below"):
            if self.margin is not None:
                raise ValueError(
                    f"holds: `{self.holds}` takes `than: {self.margin}`, not `margin`; margins are of `equivalent` "
                    f"and `not-inferior`"
                )
        elif self.margin is None:
            raise ValueError(
                f"holds: `{self.holds}` takes a margin; add the line `margin: study` or `margin: 0.05`"
            )
        elif "than" in self.model_fields_set:
            raise ValueError(f"holds: `{self.holds}` takes a margin and no `than`; take it out")
        if self.margin == "study" and not isinstance(self, OfModels):
            raise ValueError(
                "margin: `study` is of kind `models`, whose metrics have margins; write a number, such as 0.05"
            )
        return self


class OfModels(Tested):
    """Paired differences of tuned models and their references on the same images."""

    kind: Literal["models"]
    """This."""
    curriculum: DistinctSome[Pattern]
    """The tuned models, by patterns such as `imic*`; those that are not trained are never among them."""
    backbone: DistinctSome[Pattern] = ("*",)
    """Of these backbones, by patterns."""
    against: Annotated[str, Field(min_length=1, max_length=60)]
    """The reference, of the same backbone and seed: `base`, `expert` (of the data set), or a curriculum."""
    datasets: Literal["tasks", "unseen"] | DistinctSome[Pattern]
    """`tasks`: those that have an expert; `unseen`: those that no curriculum trains on, and the held-out splits of
    the others; or patterns of names."""
    metrics: DistinctSome[TaskMetric] = ("AUC", "top-1")
    """Of those that stand for a data set."""
    at_least: Annotated[int, Field(ge=1)] = 1
    """Data sets that each model must be compared on; with fewer the claim cannot be tested."""
    mean: bool = False
    """Whether the mean over the data sets is tested, and not each of them."""


class OfRows(Tested):
    """Rows of the tidy results as they stand: gains, differences and levels that other rules measured."""

    kind: Literal["rows"]
    """This."""
    where: Annotated[dict[str, DistinctSome[Pattern]], Field(min_length=1)]
    """For each column the values that are chosen, by patterns. `fitted_on` may be `same` or `other`: as the tested
    data set, or another one."""
    p_value: Annotated[str, Field(min_length=1, max_length=20)] | None = None
    """End of the metric that holds the p value of a permutation test of each row, such as `-p`; left out: from the
    interval."""

    @field_validator("where", mode="before")
    @classmethod
    def _one_or_several(cls, where: Any) -> Any:
        if not isinstance(where, dict):
            return where
        return {k: [v] if isinstance(v, str) else v for k, v in where.items()}

    @field_validator("where")
    @classmethod
    def _known(cls, where: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
        for column in where:
            if column not in COLUMNS:
                raise ValueError(
                    f"`{column}` is no column of the results; {did_you_mean(column, COLUMNS)}"
                )
        return where

    @model_validator(mode="after")
    def _tested_by_permutation(self) -> OfRows:
        if self.p_value is not None and (self.holds != "above" or self.than != 0):
            raise ValueError(
                "p_value: permutation tests of the results are of `holds: above`, `than: 0`; write these"
            )
        return self


class OfGelo(Tested):
    """Differences of GELO, the general ability that tuning left, over the sets that both have."""

    kind: Literal["gelo"]
    """This."""
    curriculum: DistinctSome[Pattern]
    """The tuned models, by patterns."""
    backbone: DistinctSome[Pattern] = ("*",)
    """Of these backbones, by patterns."""
    protocols: DistinctSome[Pattern] = ("zero-shot:*", "linear-probe")
    """By which general ability was measured."""
    against: Annotated[str, Field(min_length=1, max_length=60)]
    """`smaller`: the next smaller backbone of tradeoffs.sizes; `linear-probe`: the same model by that protocol; or
    another curriculum of the same backbone and seed, by a pattern."""


class OfComponents(Tested):
    """Share of a task's gain over chance that the first principal components of another task keep."""

    kind: Literal["components"]
    """This."""
    curriculum: DistinctSome[Pattern]
    """The analysed models, by patterns."""
    below: Annotated[int, Field(ge=2)] = 100
    """Fewer components than this; the largest measured number of them is taken."""
    most: Annotated[float, Field(gt=0, le=1)] = 0.5
    """At most this share of the dimensions of the space."""
    dimension: Annotated[int, Field(ge=1)] = 1
    """Spaces with fewer dimensions than this cannot test the claim."""


class OfEfficiency(Tested):
    """Share of what a map reaches with all training identities that it reaches with few of them."""

    kind: Literal["efficiency"]
    """This."""
    methods: DistinctSome[Pattern]
    """Maps, by patterns of their names."""
    most: Annotated[float, Field(gt=0, lt=1)]
    """The largest measured number of identities is taken that is at most this share of all training identities."""
    protocols: DistinctSome[Pattern] = ("enrol-one",)
    """By which recognition was measured."""
    metric: str = "Rank-1"
    """Of recognition."""


Comparison = Annotated[
    OfModels | OfRows | OfGelo | OfComponents | OfEfficiency, Field(discriminator="kind")
]


class Claim(Settings):
    """A sentence and what decides whether it holds."""

    statement: Annotated[str, Field(min_length=10, max_length=300)]
    """The claim, as a sentence."""
    source: Annotated[str, Field(min_length=3, max_length=300)]
    """Paper and place; or `ours`."""
    ours: Annotated[str, Field(max_length=600)] = ""
    """What of the test is not the source's: margins, thresholds, controls."""
    family: Name
    """Claims of one family are corrected together."""
    compare: Annotated[tuple[Comparison, ...], Field(min_length=1)]
    """What must hold; all of it, in every part."""
    each: Distinct[Literal["curriculum", "backbone", "method", "protocol"]] = ()
    """A verdict of its own for each of these."""
    figure: Annotated[str, Field(max_length=60)] = ""
    """The figure of the page that shows it."""


class ClaimsFile(Settings):
    """A file of claims."""

    alpha: Annotated[float, Field(gt=0, le=0.2)] = 0.05
    """Level of all tests."""
    correction: Literal["holm", "benjamini-hochberg", "none"] = "holm"
    """Over the claims of one family: `holm` bounds the chance of any wrong verdict, `benjamini-hochberg` the share of
    wrong ones."""
    claims: Annotated[dict[Name, Claim], Field(min_length=1)]
    """The claims, by a short name."""


class ClaimFiles(Settings):
    """Which claims are tested."""

    files: Distinct[Annotated[str, Field(min_length=1)]] = (SHIPPED,)
    """Files of claims, below the folder of the Snakefile or by absolute paths; none for no claims. Those of the papers
    are in workflow/claims/papers.yaml; docs/claims.md says how to write one's own."""
