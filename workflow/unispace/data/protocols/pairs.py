"""Pairs of images for verification: all of them by number, and samples of equally many of each kind."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Indices = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Pairs:
    """Pairs of different images.

    Attributes:
        first: `(n_pairs,)` row of the first image.
        second: `(n_pairs,)` row of the second image.
        genuine: `(n_pairs,)` bool, same identity.
    """

    first: Indices
    second: Indices
    genuine: NDArray[np.bool_]


class Comparisons:
    """All unordered pairs of different images, the genuine and the impostor ones each numbered from 0.

    A number is turned into a pair when it is asked for, so all pairs can be walked through in parts (ask for
    a range of numbers) or drawn from, and are never held at once.

    Attributes:
        genuine: number of genuine pairs.
        impostor: number of impostor pairs.
    """

    def __init__(self, identity: NDArray[np.integer]) -> None:
        """Number the pairs of images.

        Args:
            identity: `(n,)` identity of every image, any integers.
        """
        n = len(identity)
        # Sorted by identity, the partners of an image that come after it are the rest of its identity and,
        # behind that, everybody else.
        self._order = np.argsort(identity, kind="stable")
        _, size = np.unique(identity, return_counts=True)
        end = np.repeat(np.cumsum(size), size)
        place = np.arange(n)
        self._after_genuine = np.cumsum(end - place - 1)
        self._after_impostor = np.cumsum(n - end)
        self._end = end
        self.genuine = int(self._after_genuine[-1]) if n else 0
        self.impostor = int(self._after_impostor[-1]) if n else 0

    def genuine_pairs(self, number: NDArray[np.integer]) -> tuple[Indices, Indices]:
        """Rows of the genuine pairs of these numbers, the smaller row first.

        Raises:
            IndexError: A number is negative or not below `genuine`.
        """
        return self._pairs(number, self._after_genuine, np.arange(1, len(self._end) + 1))

    def impostor_pairs(self, number: NDArray[np.integer]) -> tuple[Indices, Indices]:
        """Rows of the impostor pairs of these numbers, the smaller row first.

        Raises:
            IndexError: A number is negative or not below `impostor`.
        """
        return self._pairs(number, self._after_impostor, self._end)

    def _pairs(
        self, number: NDArray[np.integer], after: Indices, partner: Indices
    ) -> tuple[Indices, Indices]:
        number = np.asarray(number)
        total = int(after[-1]) if len(after) else 0
        if len(number) and not (number.min() >= 0 and number.max() < total):
            raise IndexError(f"pairs are numbered from 0 to {total - 1}")
        place = np.searchsorted(after, number, side="right")
        before = np.where(place > 0, after[place - 1], 0)
        one, other = self._order[place], self._order[partner[place] + number - before]
        return np.minimum(one, other), np.maximum(one, other)


def balanced_pairs(
    identity: NDArray[np.integer], rng: np.random.Generator, most: int | None = None
) -> Pairs:
    """All genuine pairs and equally many impostor pairs, drawn without replacement.

    Where there are fewer impostor than genuine pairs, all impostor and as many genuine pairs are taken.

    Args:
        identity: `(n,)` identity of every image, any integers.
        rng: Source of randomness.
        most: At most this many pairs of each kind; all if None.

    Returns:
        The genuine pairs, then the impostor pairs, each kind sorted.

    Raises:
        ValueError: `most` is below 1.
    """
    if most is not None and most < 1:
        raise ValueError(f"a sample holds at least 1 pair of each kind, got {most}")
    every = Comparisons(identity)
    count = min(every.genuine, every.impostor, most or every.genuine)
    parts = [
        take(_drawn(total, count, rng))
        for total, take in (
            (every.genuine, every.genuine_pairs),
            (every.impostor, every.impostor_pairs),
        )
    ]
    return Pairs(
        np.concatenate([first for first, _ in parts]),
        np.concatenate([second for _, second in parts]),
        np.repeat([True, False], count),
    )


def _drawn(total: int, count: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Different numbers below `total`, rising; every set of `count` is as likely as another."""
    if count == total:
        return np.arange(total)
    return np.sort(rng.choice(total, count, replace=False, shuffle=False))
