"""Curves of maps: over what they are fitted on, and over what has leaked of two template databases."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field, field_validator

from unispace.config.base import Distinct, DistinctSome, Name, Settings
from unispace.config.methods import BASELINE, CEILING, Method, asks_who_is_who

RESERVED = (BASELINE, CEILING)
"""What curves call the comparison without a map, and the ceiling."""

_PAPER_SEEDS = (42, 123, 217, 7, 531)

Pairs = Distinct[tuple[str, str]]
Seeds = Annotated[DistinctSome[Annotated[int, Field(ge=0)]], Field(min_length=2)]


def between_two(pairs: tuple[tuple[str, str], ...] | None) -> tuple[tuple[str, str], ...] | None:
    """Refuse a model that is mapped to itself."""
    for source, target in pairs or ():
        if source == target:
            raise ValueError(f"`{source}` is mapped to itself; name two models")
    return pairs


def _rising(values: tuple[float, ...] | None, what: str) -> None:
    if values is not None and list(values) != sorted(set(values)):
        raise ValueError(f"write {what} once each and rising, got {list(values)}")


class Efficiency(Settings):
    """How many identities and images a map needs: fitted on growing parts, tested on the same identities."""

    pairs: Pairs | None = None
    """Pairs `[source, target]`; left out: those of `shown`, or what stands for it; `[]` for none."""
    methods: DistinctSome[Name] | None = None
    """Maps by their name in `methods`, none that asks who is who (`fit_on` other rows, several `alpha`); left out: procrustes, linear and ridge as
    in the paper, as far as there are any."""
    shares: Distinct[Annotated[float, Field(gt=0, lt=1)]] | None = None
    """Shares of all identities that are fitted on, rising, up to `fit_share`; left out: 0.1, 0.2 and so on (paper: to
    0.7); `[]` for none."""
    images: Distinct[Annotated[int, Field(ge=2)]] | None = None
    """Numbers of images that are fitted on, rising; left out: some from a quarter to eight times the dimension of the
    source, close together around it, where least squares interpolates; `[]` for none."""
    seeds: Seeds = _PAPER_SEEDS
    """Each divides the identities anew, at least two (paper: these five)."""

    @field_validator("pairs")
    @classmethod
    def _of_two(cls, pairs: tuple[tuple[str, str], ...] | None) -> object:
        return between_two(pairs)

    @field_validator("shares")
    @classmethod
    def _shares_rise(cls, shares: tuple[float, ...] | None) -> tuple[float, ...] | None:
        _rising(shares, "the shares")
        return shares

    @field_validator("images")
    @classmethod
    def _images_rise(cls, images: tuple[int, ...] | None) -> tuple[int, ...] | None:
        _rising(images, "the numbers of images")
        return images


class Security(Settings):
    """How many leaked pairs an attacker needs to link two template databases, with and without a secret rotation."""

    pairs: Pairs | None = None
    """Pairs `[source, target]`: models of the two databases; left out: those of `shown`, or what stands for it; `[]`
    for none."""
    methods: DistinctSome[Name] | None = None
    """The attacker's maps by their name in `methods`, none that asks who is who (`fit_on` other rows, several `alpha`); left out: procrustes,
    linear and ridge as in the paper, and the shuffled ones as a control, as far as there are any."""
    leaked: DistinctSome[Annotated[int, Field(ge=2)]] | None = None
    """Numbers of leaked pairs, rising, beside none at all; left out: powers of two, some around the dimension, and all
    that can leak."""
    seeds: Seeds = _PAPER_SEEDS
    """Each divides identities and images anew and draws other secret rotations; at least two."""
    level: Annotated[float, Field(gt=0, lt=1)] = 0.5
    """Of D_sys and of Rank-1, above which databases count as linked."""

    @field_validator("pairs")
    @classmethod
    def _of_two(cls, pairs: tuple[tuple[str, str], ...] | None) -> object:
        return between_two(pairs)

    @field_validator("leaked")
    @classmethod
    def _leaks_rise(cls, leaked: tuple[int, ...] | None) -> tuple[int, ...] | None:
        _rising(leaked, "the numbers of pairs")
        return leaked


def refused_on_curves(where: str, name: str, methods: Mapping[str, Method]) -> list[str]:
    """What keeps a method from having a curve.

    Args:
        where: the setting that names it.
        name: one of `methods`.
        methods: of the study.
    """
    if name in RESERVED:
        return [f"{where}: `{name}` stands beside the curves anyway; take it out"]
    if asks_who_is_who(methods[name]):
        return [
            f"{where}: `{name}` asks which images are of one identity, and these maps are fitted on pairs of rows "
            f"alone; name maps with `fit_on: images` and one `alpha`"
        ]
    return []
