"""How many identities, and how many images, does a map need?

Maps are fitted on growing parts of the training identities and tested on identities that never change with the size.
Sizes are nested: each seed puts the training identities in one order, and a size takes the first of them, so a larger
one holds all of a smaller one, and all methods are fitted on the same images.

Least squares without a penalty interpolates where it has as many images as the source has dimensions: it fits what is
particular to them, and its error peaks there and falls on either side (M. Belkin et al., "Reconciling modern
machine-learning practice and the classical bias-variance trade-off", PNAS 2019). Centring takes one image's worth,
so with d dimensions that is at d + 1 images; `sizes_through` has points on both sides.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from unispace.alignment.maps import Map
from unispace.analysis.matching import area
from unispace.data.protocols.galleries import enrol_all, enrol_probe
from unispace.evaluation import verification
from unispace.evaluation.identification import chances, search

Vectors = NDArray[np.floating]
Fit = Callable[[Vectors, Vectors], Map]
"""Fits a map on `(n, d_x)` source and `(n, d_y)` target vectors, e.g. `partial(fit_ridge, alpha=0.1)`."""
By = Literal["identities", "images"]
PAPER_SHARES = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7)
"""Shares of all identities that the compatibility paper fits on; it tests on the last 30 %."""
_AROUND = (0.25, 0.5, 0.7, 0.85, 0.95, 1.05, 1.15, 1.3, 1.6, 2.0, 3.0, 4.0, 6.0, 8.0)
COLUMNS = [
    "method", "seed", "identities", "images", "protocol", "metric", "value", "chance", "n", "varies", "status",
]  # fmt: skip


def sizes_through(dimension: int, most: int) -> list[int]:
    """Numbers of images from few to `most`, close together where least squares interpolates.

    Args:
        dimension: d of the source space.
        most: training images that there are.

    Returns:
        Rising numbers from 2 to `most`, with d and d + 1 and points just below and above where there are enough.

    Raises:
        ValueError: most < 2.
    """
    if most < 2:
        raise ValueError(f"a map is fitted on at least 2 images, there are {most}")
    around = {round(factor * dimension) for factor in _AROUND} | {dimension, dimension + 1}
    return sorted({size for size in around if 2 <= size < most} | {most})


def efficiency_curve(
    source: Vectors,
    target: Vectors,
    identity: Sequence[str],
    image_id: Sequence[str],
    methods: Mapping[str, Fit],
    sizes: Sequence[int],
    seeds: Sequence[int],
    *,
    by: By = "identities",
    test_share: float = 0.3,
    test: NDArray[np.bool_] | None = None,
) -> pd.DataFrame:
    """Fit maps on growing parts of the training identities and test each on the same test identities.

    Args:
        source: `(n, d_x)` vectors of unit length.
        target: `(n, d_y)` vectors of the same images.
        identity: `(n,)` names.
        image_id: `(n,)` names, all different; they choose the enrolled images of protocol `enrol-one`.
        methods: fits by the name of their method.
        sizes: rising numbers of training identities or images (`by`), of images 2 or more. The paper's numbers of
            identities are `round(share * all)` with `PAPER_SHARES`.
        seeds: each starts a generator of its own that puts identities in order.
        by: what `sizes` count. The first so many images of the ordered identities may hold a part of the last one.
        test_share: share of the identities that are tested: the last of each seed's order (paper: 0.3).
        test: `(n,)` images that are tested in place of that, the same for all seeds, with none of their identities
            among the others.

    Returns:
        Columns method, seed, identities and images that the map was fitted on, protocol (`self-excluded`,
        `enrol-one`, `all-pairs`), metric (`Rank-1` and `mAP` of the first two, `AUC` of the third), value in [0, 1],
        chance, n (probes or pairs), varies (what the seeds draw), status. A fit that is impossible is a failed row.

    Raises:
        ValueError: Lengths differ; sizes do not rise, or are more than there is; seeds are none or repeated; there
            are no methods; or a tested identity is trained on.
    """
    who, ids = np.asarray(list(identity), str), np.asarray(list(image_id), str)
    if not len(source) == len(target) == len(who) == len(ids):
        raise ValueError(
            f"{len(source)} source rows, {len(target)} target rows, {len(who)} identities and {len(ids)} "
            "image ids; all must be of the same images"
        )
    if not methods:
        raise ValueError("no method was given; name one, e.g. {'ridge': fit_ridge}")
    if not seeds or len(set(seeds)) != len(seeds):
        raise ValueError(f"seeds must be one or more different numbers, got {list(seeds)}")
    varies = "training identities" if test is not None else "training and test identities"
    rows = []
    for seed in seeds:
        order = _Order.of(who, np.random.default_rng(seed), test_share, test)
        parts = list(order.parts(sizes, by))
        tested = _Tested(target[order.test], who[order.test], ids[order.test].tolist())
        for part in parts:
            about = {"seed": seed, "identities": len(np.unique(who[part])), "images": len(part)}
            # The same two arrays for all methods, which may share what they make of them.
            ours, theirs = source[part], target[part]
            for method, fit in methods.items():
                try:
                    fitted = fit(ours, theirs)
                    measured = tested.measure(fitted, source[order.test])
                except ValueError as reason:
                    measured = tested.failed(reason)
                rows += [{"method": method, "varies": varies} | about | cell for cell in measured]
    return pd.DataFrame(rows, columns=COLUMNS)


def most_to_train_on(
    identity: Sequence[str], seeds: Sequence[int], test_share: float
) -> dict[By, int]:
    """The largest sizes that every seed has, of identities and of images.

    Args:
        identity: `(n,)` names, as for `efficiency_curve`.
        seeds: likewise.
        test_share: likewise.

    Raises:
        ValueError: So few identities that fewer than two, or all, would be tested.
    """
    who = np.asarray(list(identity), str)
    orders = [_Order.of(who, np.random.default_rng(seed), test_share, None) for seed in seeds]
    return {
        "identities": min(len(order.ends) for order in orders),
        "images": min(len(order.train) for order in orders),
    }


@dataclass(frozen=True, eq=False)
class _Order:
    """One seed's training images in the order in which sizes take them, and the test images.

    Attributes:
        train: rows, those of an identity next to each other.
        ends: of each training identity in turn, the number of images up to its last.
        test: rows.
    """

    train: NDArray[np.intp]
    ends: NDArray[np.intp]
    test: NDArray[np.intp]

    @classmethod
    def of(
        cls,
        who: NDArray[np.str_],
        rng: np.random.Generator,
        test_share: float,
        test: NDArray[np.bool_] | None,
    ) -> _Order:
        if test is None:
            if not 0 < test_share < 1:
                raise ValueError(f"test_share lies between 0 and 1, got {test_share}")
            names = rng.permutation(np.unique(who))
            tested = round(test_share * len(names))
            if not 2 <= tested < len(names):
                raise ValueError(
                    f"{tested} of {len(names)} identities would be tested; at least 2, and not all, are needed"
                )
            train, test = names[:-tested], np.isin(who, names[-tested:])
        else:
            if test.shape != who.shape or test.dtype != bool:
                raise ValueError(f"test must be ({len(who)},) bool, got {test.dtype} {test.shape}")
            both = np.intersect1d(who[test], who[~test])
            if len(both):
                raise ValueError(f"identity `{both[0]}` is tested and trained on")
            if len(np.unique(who[test])) < 2 or test.all():
                raise ValueError("at least 2 identities are tested and one is trained on")
            train = rng.permutation(np.unique(who[~test]))
        place = {name: i for i, name in enumerate(train)}
        rows = np.flatnonzero(~test)
        turn = np.array([place[name] for name in who[rows]], np.intp)
        order = np.argsort(turn, kind="stable")
        return cls(rows[order], np.cumsum(np.bincount(turn)), np.flatnonzero(test))

    def parts(self, sizes: Sequence[int], by: By) -> Iterator[NDArray[np.intp]]:
        """Training rows of each size."""
        most = len(self.ends) if by == "identities" else len(self.train)
        least = 1 if by == "identities" else 2
        if not sizes or list(sizes) != sorted(set(sizes)) or not least <= sizes[0]:
            raise ValueError(f"sizes must rise from {least} {by} or more, got {list(sizes)}")
        if sizes[-1] > most:
            raise ValueError(f"sizes go up to {sizes[-1]} {by}, and there are {most} to train on")
        for size in sizes:
            yield self.train[: self.ends[size - 1] if by == "identities" else size]


class _Tested:
    """The test images: who is searched for among whom does not depend on the map."""

    def __init__(self, target: Vectors, who: NDArray[np.str_], image_id: Sequence[str]) -> None:
        self._target = target
        self._codes = np.unique(who, return_inverse=True)[1].astype(np.int64)
        everyone = enrol_all(self._codes, self_included=False)
        enrolled = enrol_probe(self._codes, list(image_id))
        self._searches = {
            "self-excluded": (everyone.probe, everyone.gallery, everyone.exclude),
            "enrol-one": (enrolled.probe, enrolled.gallery, None),
        }
        self._pairs = len(who) * (len(who) - 1)

    def measure(self, fitted: Map, source: Vectors) -> list[dict[str, object]]:
        """All metrics of a map.

        Raises:
            ValueError: A mapped vector is zero or not finite, or no identity has two images.
        """
        probe, gallery = fitted.transform(source), fitted.place(self._target)
        found: list[dict[str, object]] = []
        for protocol, (searched, entries, exclude) in self._searches.items():
            if not len(searched):
                raise ValueError("no tested identity has a second image to search with")
            codes = self._codes
            ranking = search(
                probe[searched], gallery[entries], codes[searched], codes[entries], exclude=exclude
            )
            by_chance = chances(ranking, [1])
            values = {
                "Rank-1": np.mean(ranking.rank == 1),
                "mAP": np.mean(ranking.average_precision),
            }
            found += [
                _cell(protocol, metric, float(value), by_chance[metric], len(searched))
                for metric, value in values.items()
            ]
        pairs = verification.compare(probe, gallery, self._codes, same_space=False)
        auc = area(pairs.scores, pairs.genuine)
        return [*found, _cell("all-pairs", "AUC", auc, 0.5, self._pairs)]

    def failed(self, why: Exception) -> list[dict[str, object]]:
        """A row for each metric that says why it is empty."""
        status = f"failed: {why}"
        found = [
            _cell(protocol, metric, np.nan, np.nan, len(searched), status)
            for protocol, (searched, _, _) in self._searches.items()
            for metric in ("Rank-1", "mAP")
        ]
        return [*found, _cell("all-pairs", "AUC", np.nan, 0.5, self._pairs, status)]


def _cell(
    protocol: str, metric: str, value: float, chance: float, n: int, status: str = "ok"
) -> dict[str, object]:
    return {
        "protocol": protocol, "metric": metric, "value": value, "chance": chance, "n": n, "status": status,
    }  # fmt: skip
