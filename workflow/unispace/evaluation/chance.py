"""What scores without information would give, exactly: every entry of a gallery in a random order.

`N` is the number of entries that a probe is compared with and `m` the number of those that are right.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Doubles = NDArray[np.float64]
Counts = NDArray[np.integer]


def rank_k(k: int, entries: Counts, mates: Counts) -> Doubles:
    """Probability that a right entry is among the first k: 1 - C(N - m, k) / C(N, k).

    Args:
        k: Rank, from 1.
        entries: `(n,)` N of every probe.
        mates: `(n,)` m of every probe, from 1 to N.

    Returns:
        `(n,)` in (0, 1].
    """
    wrong = entries - mates
    none_yet = np.ones(len(entries))
    for place in range(k):
        # Past the end of a gallery all its right entries were met before.
        none_yet *= np.maximum(wrong - place, 0) / np.maximum(entries - place, 1)
    return 1 - none_yet


def average_precision(entries: Counts, mates: Counts) -> Doubles:
    """Expected average precision: (m - 1) / (N - 1) + H_N / N * (N - m) / (N - 1), with H_N = 1 + 1/2 + ... 1/N.

    A right entry at rank r has, by chance, (r - 1)(m - 1)/(N - 1) others before it; the mean over r follows.

    Args:
        entries: `(n,)` N of every probe.
        mates: `(n,)` m of every probe, from 1 to N.

    Returns:
        `(n,)` in (0, 1].
    """
    harmonic = np.cumsum(1 / np.arange(1, entries.max(initial=1) + 1))[entries - 1]
    others = np.divide(mates - 1, entries - 1, out=np.ones(len(entries)), where=entries > 1)
    return others + harmonic / entries * (1 - others)


def average_precision_cut(entries: Counts, mates: Counts, depth: int) -> Doubles:
    """Expected average precision of the first `depth` entries, divided by the right ones among these.

    The number h of right ones among them is hypergeometric, and given h they lie anywhere among the K =
    min(depth, N) first. Without a right one it is 0.

    Args:
        entries: `(n,)` N of every probe.
        mates: `(n,)` m of every probe, from 1 to N.
        depth: Where the list is cut, from 1.

    Returns:
        `(n,)` in (0, 1].
    """
    cases, index = np.unique(np.stack([entries, mates], axis=1), axis=0, return_inverse=True)
    return np.array([_cut(int(n), int(m), depth) for n, m in cases])[index.reshape(-1)]


@lru_cache(maxsize=4096)
def _cut(entries: int, mates: int, depth: int) -> float:
    from scipy.stats import hypergeom

    seen = min(depth, entries)
    hits = np.arange(max(1, seen - (entries - mates)), min(mates, seen) + 1)
    share = hypergeom.pmf(hits, entries, mates, seen)
    return float(np.sum(share * average_precision(np.full(len(hits), seen), hits)))


def detected_first(fpir: float, entries: int) -> float:
    """Probability that the one right entry of a gallery is first and above the threshold of an FPIR.

    The highest score lies above the threshold as often as that of a search without a mate, and is the right
    one in one of N cases.
    """
    return fpir / entries


def below_threshold(fpir: float, entries: int) -> float:
    """Probability that the one right entry lies below the threshold of an FPIR: (1 - FPIR)^(1/N).

    All N entries lie below it with probability 1 - FPIR, and each as often as another.
    """
    return (1 - fpir) ** (1 / entries)


def majority(label: NDArray) -> float:
    """Share of the most frequent label: the most that a guess without looking at the images can get right."""
    return float(np.unique(label, return_counts=True)[1].max() / len(label))
