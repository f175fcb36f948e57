"""How models, domains and methods look: the same in every figure, and apart without colour."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from unispace.config.methods import CEILING

# Okabe and Ito 2008, without the yellow that white paper swallows.
PALETTE = ("#000000", "#D55E00", "#0072B2", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
# Tol 2021, "muted", and black: more colours than the palette where series are many and nothing else tells them apart.
MANY_COLOURS = (
    "#CC6677", "#332288", "#DDCC77", "#117733", "#88CCEE", "#882255", "#44AA99", "#999933", "#AA4499", "#000000",
)  # fmt: skip
_DASHES: tuple[Any, ...] = (
    "-",
    (0, (5, 1.6)),
    (0, (1.2, 1.2)),
    (0, (5, 1.4, 1.2, 1.4)),
    (0, (9, 3)),
)
_MARKERS = ("o", "s", "^", "D", "v", "P")

DOMAIN_COLOURS = {
    "object": "#E69F00",
    "face_hq": "#0072B2",
    "face_lq": "#56B4E9",
    "person": "#009E73",
    "pad": "#D55E00",
    "mad": "#CC79A7",
}
DOMAIN_MARKERS = {
    "object": "o",
    "face_hq": "s",
    "face_lq": "^",
    "person": "D",
    "pad": "v",
    "mad": "P",
}
DOMAIN_TITLES = {
    "object": "objects",
    "face_hq": "faces, high quality",
    "face_lq": "faces, low quality",
    "person": "whole bodies",
    "pad": "presentation attacks",
    "mad": "morphs",
}
OTHER = "#767676"
"""What has no colour of its own: not chosen, failed, chance."""


@dataclass(frozen=True)
class Look:
    """Colour, line and marker of one series."""

    colour: str
    dashes: Any
    marker: str


def looks(names: Iterable[str]) -> dict[str, Look]:
    """A look for each name, by its place.

    The lengths of the three lists share no divisor above 2, so that it takes 210 names until a look
    comes again, and neighbours differ in everything.
    """
    return {
        name: Look(
            PALETTE[i % len(PALETTE)], _DASHES[i % len(_DASHES)], _MARKERS[i % len(_MARKERS)]
        )
        for i, name in enumerate(names)
    }


def model_looks(models: Sequence[str]) -> dict[str, Look]:
    """A look for each model: with several backbones or seeds, curricula keep their colour across them.

    Curricula beyond the colours take the first ones again, with other dashes.
    """
    parts = {model: model.split("/") for model in models}
    curricula = list(dict.fromkeys(p[1] if len(p) > 1 else p[0] for p in parts.values()))
    variants = list(dict.fromkeys((p[0], *p[2:]) for p in parts.values() if len(p) > 2))
    rounds = -(-len(curricula) // len(PALETTE))
    if max(rounds, len(variants)) > len(_DASHES) or len(variants) < 2:
        return looks(models)
    # A backbone that is only pretrained has no seed: it looks like its backbone's first.
    firsts = {variant[0]: variant for variant in reversed(variants)}
    styles = {}
    for model, p in parts.items():
        variant = (p[0], *p[2:]) if len(p) > 2 else firsts.get(p[0], variants[0])
        place = variants.index(variant)
        again, colour = divmod(curricula.index(p[1] if len(p) > 1 else p[0]), len(PALETTE))
        dashes = _DASHES[(place + again) % len(_DASHES)]
        styles[model] = Look(PALETTE[colour], dashes, _MARKERS[place])
    return styles


def family_looks(families: Iterable[str]) -> dict[str, Look]:
    """A look for each family of models; black is left to what is of none."""
    return {
        family: Look(PALETTE[1 + i % (len(PALETTE) - 1)], "-", _MARKERS[i % len(_MARKERS)])
        for i, family in enumerate(dict.fromkeys(families))
    }


def short_names(models: Sequence[str]) -> dict[str, str]:
    """What is shown for backbone/curriculum/seedN: the parts that tell these models apart.

    Where nothing does, it is the curriculum. A backbone that is only pretrained has no third part.
    """
    parts = {model: model.split("/") for model in models}
    longest = max((len(p) for p in parts.values()), default=0)
    columns = [{p[i] for p in parts.values() if i < len(p)} for i in range(longest)]
    telling = [i for i, column in enumerate(columns) if len(column) > 1]
    if not telling:
        telling = [min(1, longest - 1)]
    short = {m: "/".join(p[i] for i in telling if i < len(p)) for m, p in parts.items()}
    apart = len(set(short.values())) == len(short) and all(short.values())
    return short if apart else {model: model for model in models}


def shortened(text: str, most: int) -> str:
    """At most so many letters; long names keep both ends, since either may be what differs."""
    if len(text) <= most:
        return text
    head = most // 2
    return f"{text[:head]}…{text[len(text) - (most - head - 1) :]}"


def methods_in_order(present: Iterable[str], order: Sequence[str]) -> list[str]:
    """Methods of maps in the order of the study; the ceiling, which is no map, comes last.

    Args:
        present: names found.
        order: the study's methods.
    """
    # Texts of Arrow take long one by one.
    found = set(present.unique() if isinstance(present, pd.Series) else present)
    return in_order(found - {CEILING}, order) + [CEILING] * (CEILING in found)


def method_looks(present: Iterable[str], order: Sequence[str]) -> dict[str, Look]:
    """The looks of methods among all of the study, so that a method looks the same in every figure."""
    methods = methods_in_order(present, order)
    styles = looks(in_order((m for m in methods if m != CEILING), order, whole=True))
    return {m: Look(OTHER, "-", "|") if m == CEILING else styles[m] for m in methods}


def in_order(present: Iterable[str], order: Sequence[str], *, whole: bool = False) -> list[str]:
    """What is present, in the order of the study; what the study does not name comes last, sorted.

    Args:
        present: names found.
        order: the study's names.
        whole: keep the study's names that were not found, so that places stay the same.
    """
    found = set(present)
    return [name for name in order if whole or name in found] + sorted(found - set(order))
