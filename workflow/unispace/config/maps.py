"""Which maps between embedding spaces are fitted, and on what."""

from __future__ import annotations

import itertools
from typing import Annotated, Literal, NamedTuple

from pydantic import Field, field_validator, model_validator

from unispace.config.base import Distinct, DistinctSome, Name, Settings
from unispace.config.evaluation import Identification, Verification
from unispace.config.map_curves import RESERVED, Efficiency, Security, between_two
from unispace.config.methods import (
    Baseline,
    Linear,
    Method,
    Methods,
    Procrustes,
    Ridge,
    Shuffled,
    asks_who_is_who,
)

Shared = Literal["leave-out", "divide"]

# Examples fill much of the page: so many pairs and methods where the study does not say which.
_SHOWN_PAIRS, _SHOWN_METHODS = 3, 4
_PAPER = ("baseline", "procrustes", "linear", "ridge")


class Across(Settings):
    """Maps that are fitted on one data set and tested on another."""

    fit: Name
    """Data set whose identities the maps are fitted on, all of them."""
    test: Name
    """Data set that they are tested on."""
    shared: Shared = "leave-out"
    """Identities that both hold, by their names. `leave-out`: not fitted on; `divide`: some fitted on, the others
    tested, as within one data set."""

    @property
    def name(self) -> str:
        """What its files are called."""
        return f"{self.fit}--{self.test}"


class Fitting(NamedTuple):
    """A data set to fit on, one to test on, and, where they are two, what becomes of identities in both."""

    fit: str
    test: str
    shared: Shared | None


class Maps(Settings):
    """Maps between all ordered pairs of the named models."""

    models: Distinct[str] = ()
    """Models as backbone/curriculum/seedN; every ordered pair of them is mapped."""
    families: dict[Name, DistinctSome[str]] = Field(default={})
    """Further models, by family, such as `{face: [...], foundation: [...]}`: means over the pairs within and between
    families are shown, and whether models of one family are more compatible."""
    datasets: Distinct[Name] = ()
    """Data sets of identities on which maps are fitted and tested."""
    across: Distinct[Across] = ()
    """Besides, maps that are fitted on one data set and tested on another."""
    split: Name = "test"
    """The split whose identities are divided into a fit and a test part: unseen in training."""
    fit_share: Annotated[float, Field(gt=0, lt=1)] = 0.7
    """Share of the identities that the maps are fitted on (paper: 0.7); the rest is tested."""
    identification: DistinctSome[Identification] = ("enrol-one", "self-excluded", "paper")
    """As `evaluation.identification`, across models; the first is the headline."""
    verification: DistinctSome[Verification] = ("all-pairs", "balanced")
    """As `evaluation.verification`, across models."""
    paper_splits: Distinct[Annotated[int, Field(ge=0)]] = (42, 123, 217, 7, 531)
    """Seeds of random splits, over which the protocol of the paper is repeated for baseline, procrustes, linear and
    ridge; at least two, or `[]` for none. These are those of the paper, which does not say how it draws from them."""
    planted: bool = True
    """Whether the page shows what maps find between planted models, where the truth is known: two that are a rotation
    apart, and two that share images and no identity."""
    methods: Methods = Field(
        default={"baseline": {}, "procrustes": {}, "linear": {}, "ridge": {"alpha": 0.1}}
    )
    """The maps, each under a name of your choice. A name that is a kind is short for `kind: NAME`; the kinds are
    baseline, procrustes, linear, ridge (paper), whitened-procrustes, cca, orthogonal-gradient, quadratic, mlp, and the
    controls random-orthogonal, shuffled and mean-only. Structure and geometry are analysed for those that are fitted
    as in the paper: baseline, procrustes, linear and ridge with one penalty and without options."""
    shown: Distinct[tuple[str, str]] | None = None
    """Pairs `[source, target]` of which the page shows examples, on the first data set that maps are tested on: images
    that are found, and both spaces in one picture. Left out: the first pair between each two families, then within
    each, at most 3; `[]` for none."""
    shown_methods: DistinctSome[Name] | None = None
    """Maps by which they are shown; left out: baseline, procrustes, linear and ridge as far as there are any, then the
    others in their order, at most 4."""
    efficiency: Efficiency | None = Efficiency()
    """How many identities and images a map needs, on each of `datasets`; `null` for none."""
    security: Security | None = Security()
    """How many leaked pairs link two template databases, on each of `datasets`; `null` for none."""

    @field_validator("paper_splits")
    @classmethod
    def _several(cls, seeds: tuple[int, ...]) -> tuple[int, ...]:
        if len(seeds) == 1:
            raise ValueError("one split has no spread; name two or more, or `[]` for none")
        return seeds

    @field_validator("families")
    @classmethod
    def _in_one(cls, families: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
        family_of: dict[str, str] = {}
        for family, models in families.items():
            for model in models:
                if (other := family_of.setdefault(model, family)) != family:
                    raise ValueError(
                        f"`{model}` is in `{other}` and in `{family}`; leave it in one"
                    )
        return families

    @field_validator("shown")
    @classmethod
    def _of_two(cls, pairs: tuple[tuple[str, str], ...] | None) -> object:
        return between_two(pairs)

    @model_validator(mode="after")
    def _shares_of_what_is_fitted_on(self) -> Maps:
        shares = self.efficiency.shares if self.efficiency else None
        if shares and shares[-1] > self.fit_share:
            raise ValueError(
                f"efficiency.shares: {shares[-1]:g} of the identities cannot be fitted on, since `fit_share` is "
                f"{self.fit_share:g} and the rest is tested; write at most {self.fit_share:g}"
            )
        return self

    def mapped(self) -> tuple[str, ...]:
        """All models that are mapped, those without family first."""
        named = (*self.models, *(m for models in self.families.values() for m in models))
        return tuple(dict.fromkeys(named))

    def family_of(self) -> dict[str, str]:
        """The family of every mapped model; `all` without families, `others` beside them."""
        named = {m: family for family, models in self.families.items() for m in models}
        return {m: named.get(m, "others" if named else "all") for m in self.mapped()}

    def published(self) -> dict[str, Method]:
        """The maps that are fitted as in the paper: baseline, procrustes, linear and ridge, without options."""
        return {
            name: method
            for name, method in self.methods.items()
            if isinstance(method, Baseline | Procrustes | Linear | Ridge)
            and method.model_dump(exclude={"alpha"}) == type(method)().model_dump(exclude={"alpha"})
            and not isinstance(getattr(method, "alpha", None), tuple)
        }

    def fittings(self) -> dict[str, Fitting]:
        """What maps are fitted and tested on, by the name of their files."""
        found = {d: Fitting(d, d, None) for d in self.datasets}
        return found | {a.name: Fitting(a.fit, a.test, a.shared) for a in self.across}

    def shown_pairs(self) -> tuple[tuple[str, str], ...]:
        """Ordered (source, target) pairs of which the page shows examples."""
        if self.shown is not None:
            return self.shown
        members: dict[str, list[str]] = {}
        for model, family in self.family_of().items():
            members.setdefault(family, []).append(model)
        between = [(a[0], b[0]) for a, b in itertools.combinations(members.values(), 2)]
        within = [(a[0], a[1]) for a in members.values() if len(a) > 1]
        return tuple([*between, *within][:_SHOWN_PAIRS])

    def methods_shown(self) -> tuple[str, ...]:
        """Maps by which examples are shown, in the order of the study."""
        if self.shown_methods is not None:
            return self.shown_methods
        named = tuple(self.methods)
        taken = [m for m in _PAPER if m in named] + [m for m in named if m not in _PAPER]
        return tuple(m for m in named if m in taken[:_SHOWN_METHODS])

    def measured_efficiency(self) -> Efficiency | None:
        """Data efficiency with all that was left out filled in but the numbers of images, which take the embeddings.

        None where nothing is to be measured.
        """
        if self.efficiency is None:
            return None
        pairs, methods = self._over(self.efficiency)
        shares = self.efficiency.shares
        if shares is None:
            tenths = [n / 10 for n in range(1, 10)]
            shares = (*(s for s in tenths if s < self.fit_share), self.fit_share)
        nowhere = not shares and self.efficiency.images == ()
        if not (self.datasets and pairs and methods) or nowhere:
            return None
        filled = {"pairs": pairs, "methods": methods, "shares": shares}
        return self.efficiency.model_copy(update=filled)

    def measured_security(self) -> Security | None:
        """Template security with all that was left out filled in but the numbers of pairs, which take the embeddings.

        None where nothing is to be measured.
        """
        if self.security is None:
            return None
        pairs, methods = self._over(self.security, Shuffled)
        if not (self.datasets and pairs and methods):
            return None
        return self.security.model_copy(update={"pairs": pairs, "methods": methods})

    def _over(
        self, curves: Efficiency | Security, *controls: type[Shuffled]
    ) -> tuple[tuple[tuple[str, str], ...], tuple[str, ...]]:
        """Pairs and methods of curves: as named, else those that are shown, and those of the paper with controls."""
        pairs = self.shown_pairs() if curves.pairs is None else curves.pairs
        if curves.methods is not None:
            return pairs, curves.methods
        published = self.published()
        methods = tuple(
            name
            for name, method in self.methods.items()
            if (name in published and not isinstance(method, Baseline))
            or (isinstance(method, controls) and not asks_who_is_who(method))
        )
        return pairs, tuple(name for name in methods if name not in RESERVED)
