"""Weights between those of two models of one architecture."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor


def interpolate(
    base: Mapping[str, Tensor], tuned: Mapping[str, Tensor], share: float
) -> dict[str, Tensor]:
    """(1 - share) * base + share * tuned, as in WiSE-FT (Wortsman et al. 2022, arXiv 2109.01903).

    Running statistics of batch norm are weights like others here; whole numbers, which only count, are those of
    `tuned`.

    Args:
        base: weights by name.
        tuned: weights of the same names and shapes.
        share: of `tuned`, 0 to 1; both ends are exact.

    Raises:
        KeyError: where the names differ.
    """
    if base.keys() != tuned.keys():
        raise KeyError(*sorted(base.keys() ^ tuned.keys()))
    return {
        name: (1 - share) * base[name] + share * end if end.is_floating_point() else end.clone()
        for name, end in tuned.items()
    }
