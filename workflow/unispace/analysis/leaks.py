"""Template security: how many leaked pairs does an attacker need to link two template databases?

Two databases enrol the same persons with different models, A and B. An attacker holds both, and for k pairs of
templates knows that they are of one person. From these pairs a map is fitted; with it the templates of everybody else
are compared. What is measured is how well these can be linked: D_sys, Rank-1 and AUC.

The two databases never hold the same image: each identity's images are divided between them at random. Leaked and
tested identities are disjoint. Pairs leak in rounds: one of each leaked identity, then a second of each, and so on, so
that a larger leak holds all of a smaller one.

Without a leak the attacker centres each database by its own mean and compares coordinates as they are (method
`baseline`, k = 0), which links models that share coordinates. A *secret rotation* multiplies each database by a random
orthogonal matrix of its own that the attacker does not know. It takes that baseline to chance. It does nothing against
fitted maps, since these turn with the pairs: least squares and ridge regression give the same cosines as without it
after any leak, and Procrustes does once the pairs span the spaces (with fewer, what it does to the rest is arbitrary).

The attacker is no cleverer than this: maps centre by the leaked pairs alone, and nothing is learnt from templates
that nobody linked. So the numbers of pairs are upper bounds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from unispace.alignment.space import Frame
from unispace.analysis.data_efficiency import Fit, Vectors
from unispace.analysis.linkability import Linkage
from unispace.analysis.matching import area, cosines, found_first
from unispace.analysis.smallest import smallest
from unispace.analysis.subspaces import random_basis
from unispace.config.methods import BASELINE

Doubles = NDArray[np.float64]
METRICS = ("D_sys", "Rank-1", "AUC")
COLUMNS = [
    "method", "secret", "seed", "leaked", "identities", "metric", "value", "chance", "n", "varies", "status",
]  # fmt: skip
VARIES = "leaked and tested identities, images of each database, secret rotations"


def leak_curve(
    first: Vectors,
    second: Vectors,
    identity: Sequence[str],
    attacks: Mapping[str, Fit],
    leaked: Sequence[int],
    seeds: Sequence[int],
    *,
    secrets: Sequence[bool] = (False, True),
    test_share: float = 0.3,
    bins: int | None = None,
    shuffles: int = 20,
) -> pd.DataFrame:
    """Link the templates of two databases after leaks of growing size.

    Args:
        first: `(n, d_a)` vectors of unit length of all images, by the model of database A.
        second: `(n, d_b)` vectors of the same images, by that of B.
        identity: `(n,)` names. Those with one image cannot be in both databases and are left out.
        attacks: fits of maps from A to B by the name of their method.
        leaked: rising numbers of leaked pairs: 0, or 2 and more.
        seeds: each starts a generator of its own.
        secrets: with which secrets: False for none, True for a secret rotation of each database.
        test_share: share of the identities that are tested; the others may leak.
        bins: of the histograms of D_sys; None takes the rule of `linkability`.
        shuffles: of identities behind the chance of D_sys.

    Returns:
        Columns method (`baseline` where nothing leaked), secret, seed, leaked (pairs), identities (whom these pairs
        show), metric (`D_sys`, `Rank-1` of a template of A among all of B, `AUC`), value in [0, 1], chance (of D_sys:
        its mean over shuffled identities), n (scores; of Rank-1 the probes), varies, status. A map that cannot be
        fitted, or that leaves a template nowhere to point to, is a failed row.

    Raises:
        ValueError: Lengths differ; numbers of pairs do not rise, are 1, or are more than a seed can leak; seeds or
            secrets are none or repeated; an attack is named `baseline`; or too few identities have two images.
    """
    who = np.asarray(list(identity), str)
    if not len(first) == len(second) == len(who):
        raise ValueError(
            f"{len(first)} rows of A, {len(second)} of B and {len(who)} identities; all must be of the same images"
        )
    if BASELINE in attacks:
        raise ValueError(f"`{BASELINE}` is the comparison without a leak and cannot name an attack")
    if not leaked or list(leaked) != sorted(set(leaked)) or leaked[0] < 0 or 1 in leaked:
        raise ValueError(f"leaked pairs must rise from 0, or from 2, without 1; got {list(leaked)}")
    for name, given in (("seeds", seeds), ("secrets", secrets)):
        if not given or len(set(given)) != len(given):
            raise ValueError(f"{name} must be one or more different values, got {list(given)}")
    divisions = [_Division.of(who, np.random.default_rng(seed), test_share) for seed in seeds]
    for seed, division in zip(seeds, divisions, strict=True):
        if leaked[-1] > len(division.pairs):
            raise ValueError(
                f"{leaked[-1]} pairs cannot leak: with seed {seed} there are {len(division.pairs)}, of "
                f"{len(np.unique(who[division.pairs[:, 0]]))} identities"
            )
    rows: list[dict[str, object]] = []
    for seed, division in zip(seeds, divisions, strict=True):
        for secret in secrets:
            # The same rotations, whatever else is asked for.
            rng = np.random.default_rng([seed, 1])
            sides = [_rotated(side, rng) if secret else side for side in (first, second)]
            tested = _Tested(division, who, bins, shuffles, seed)
            for k in leaked:
                pairs = division.pairs[:k]
                about = {"secret": secret, "seed": seed, "leaked": k, "varies": VARIES}
                about["identities"] = len(np.unique(who[pairs[:, 0]]))
                for method, cells in _attacked(sides, division, pairs, attacks, tested):
                    rows += [{"method": method} | about | cell for cell in cells]
    return pd.DataFrame(rows, columns=COLUMNS)


def smallest_leak(curve: pd.DataFrame, metric: str, level: float) -> pd.DataFrame:
    """The fewest leaked pairs from which on a level is reached.

    The number is the smallest of those measured from which on all larger ones reach the level too, by the mean over
    seeds. The comparison without a leak begins the curve of every method.

    Args:
        curve: from `leak_curve`.
        metric: one of `METRICS`.
        level: of it, as stated beforehand.

    Returns:
        A row for each method and secret: method, secret, metric, level, leaked, lower and upper (least and largest
        number of the single seeds), reached (how many seeds reach it), seeds, status. Where the mean does not reach
        the level, or a cell failed, it is failed and says why; where a seed does not, `upper` is empty.

    Raises:
        ValueError: The metric is not in the curve.
    """
    of_metric = curve[curve["metric"] == metric]
    if of_metric.empty:
        raise ValueError(f"`{metric}` is not in the curve; it has {', '.join(METRICS)}")
    methods = [name for name in dict.fromkeys(of_metric["method"]) if name != BASELINE]
    rows = []
    for method in methods:
        for secret in dict.fromkeys(of_metric["secret"]):
            here = of_metric["method"].isin([method, BASELINE]) & (of_metric["secret"] == secret)
            about = {"method": method, "secret": secret, "metric": metric, "level": level}
            found = asdict(smallest(of_metric[here], "leaked", "pairs", level))
            rows.append(about | {"leaked": found.pop("size")} | found)
    columns = ["leaked", "lower", "upper", "reached", "seeds", "status"]
    return pd.DataFrame(rows, columns=["method", "secret", "metric", "level", *columns])


def leaks_through(dimension: int, most: int) -> list[int]:
    """Numbers of leaked pairs from none to `most`: powers of two, and where they span a space.

    Args:
        dimension: d of the space of A.
        most: pairs that can leak.

    Raises:
        ValueError: most < 2.
    """
    if most < 2:
        raise ValueError(f"a map is fitted on at least 2 leaked pairs, there are {most}")
    powers = {2**power for power in range(1, most.bit_length())}
    spanning = {dimension, round(1.5 * dimension), 2 * dimension}
    return [0, *sorted({k for k in powers | spanning if 2 <= k < most} | {most})]


def most_that_leak(identity: Sequence[str], seeds: Sequence[int], test_share: float = 0.3) -> int:
    """The largest number of pairs that can leak with every seed.

    Args:
        identity: `(n,)` names, as for `leak_curve`.
        seeds: likewise.
        test_share: likewise.

    Raises:
        ValueError: Too few identities have two images.
    """
    who = np.asarray(list(identity), str)
    return min(
        len(_Division.of(who, np.random.default_rng(seed), test_share).pairs) for seed in seeds
    )


@dataclass(frozen=True, eq=False)
class _Division:
    """Who leaks and who is tested, and which image lies in which database.

    Attributes:
        pairs: `(k, 2)` rows of the images of A and B of all pairs that may leak, in the order in which they do.
        tested: rows of the images of tested identities in A, and in B.
        stored: rows of all images in A, and in B.
    """

    pairs: NDArray[np.intp]
    tested: tuple[NDArray[np.intp], NDArray[np.intp]]
    stored: tuple[NDArray[np.intp], NDArray[np.intp]]

    @classmethod
    def of(cls, who: NDArray[np.str_], rng: np.random.Generator, test_share: float) -> _Division:
        if not 0 < test_share < 1:
            raise ValueError(f"test_share lies between 0 and 1, got {test_share}")
        names, count = np.unique(who, return_counts=True)
        order = rng.permutation(names[count > 1])
        tested = round(test_share * len(order))
        if tested < 2 or tested == len(order):
            raise ValueError(
                f"of {len(order)} identities with two images {tested} would be tested; at least 2, and not all, "
                "are needed"
            )
        halves, rounds = {}, []
        for place, name in enumerate(order):
            rows = rng.permutation(np.flatnonzero(who == name))
            ours, theirs = rows[: len(rows) // 2], rows[len(rows) // 2 :]
            halves[name] = ours, theirs
            if place < len(order) - tested:
                rounds += [
                    (turn, place, a, b)
                    for turn, (a, b) in enumerate(zip(ours, theirs, strict=False))
                ]
        pairs = np.array([(a, b) for _, _, a, b in sorted(rounds)], np.intp)

        def side(of: NDArray[np.str_], which: int) -> NDArray[np.intp]:
            return np.sort(np.concatenate([halves[name][which] for name in of]))

        return cls(
            pairs,
            (side(order[-tested:], 0), side(order[-tested:], 1)),
            (side(order, 0), side(order, 1)),
        )


class _Tested:
    """The templates of tested identities, and what is measured on them."""

    def __init__(
        self,
        division: _Division,
        who: NDArray[np.str_],
        bins: int | None,
        shuffles: int,
        seed: int,
    ) -> None:
        names = [who[rows] for rows in division.tested]
        codes = np.unique(np.concatenate(names), return_inverse=True)[1]
        self._first, self._second = np.split(codes, [len(names[0])])
        self._mate = self._first[:, None] == self._second
        self._bins, self._shuffles, self._seed = bins, shuffles, seed

    def measure(self, probe: Vectors, gallery: Vectors) -> list[dict[str, object]]:
        """D_sys, Rank-1 and AUC of mapped templates of A against placed ones of B.

        Raises:
            ValueError: A vector is zero or not finite.
        """
        scores = cosines(probe, gallery)
        linkage = Linkage.of(scores, self._first, self._second, self._bins)
        # Shuffled alike for all maps, so that their chances can be compared.
        chance = linkage.shuffled(np.random.default_rng([self._seed, 2]), self._shuffles)
        return [
            self._cell("D_sys", linkage.d_sys(), chance),
            self._cell("Rank-1", float(np.mean(found_first(scores, self._mate)))),
            self._cell("AUC", area(scores, self._mate)),
        ]

    def failed(self, why: Exception) -> list[dict[str, object]]:
        """A row for each metric that says why it is empty."""
        return [self._cell(metric, np.nan, status=f"failed: {why}") for metric in METRICS]

    def _cell(
        self, metric: str, value: float, chance: float = np.nan, status: str = "ok"
    ) -> dict[str, object]:
        known = {"Rank-1": float(self._mate.mean()), "AUC": 0.5}
        n = len(self._mate) if metric == "Rank-1" else self._mate.size
        return {
            "metric": metric, "value": value, "chance": known.get(metric, chance), "n": n, "status": status,
        }  # fmt: skip


def _attacked(
    sides: Sequence[Vectors],
    division: _Division,
    pairs: NDArray[np.intp],
    attacks: Mapping[str, Fit],
    tested: _Tested,
) -> list[tuple[str, list[dict[str, object]]]]:
    """What each attack measures after one leak."""
    ours, theirs = sides
    probe, gallery = division.tested
    if not len(pairs):
        width = max(ours.shape[1], theirs.shape[1])
        placed = [
            Frame.fit(side[stored], width).place(side[rows])
            for side, stored, rows in zip(sides, division.stored, division.tested, strict=True)
        ]
        try:
            return [(BASELINE, tested.measure(*placed))]
        except ValueError as reason:
            return [(BASELINE, tested.failed(reason))]
    found = []
    # The same two arrays for all attacks, which may share what they make of them.
    known = ours[pairs[:, 0]], theirs[pairs[:, 1]]
    for method, fit in attacks.items():
        try:
            fitted = fit(*known)
            cells = tested.measure(fitted.transform(ours[probe]), fitted.place(theirs[gallery]))
        except ValueError as reason:
            cells = tested.failed(reason)
        found.append((method, cells))
    return found


def _rotated(vectors: Vectors, rng: np.random.Generator) -> Doubles:
    """Vectors in coordinates that nobody knows."""
    return np.asarray(vectors, np.float64) @ random_basis(vectors.shape[1], rng).axes
