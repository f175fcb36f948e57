"""The fit cloud of one model: its vectors, factorised once for all pairs, kinds and penalties that it has a part in.

Every linear map here is made of two clouds X = U S V^T and Y = P T Q^T and of the one product U^T P, which serves both
directions. M models need M factorisations and M (M - 1) / 2 products, not M (M - 1) fits for each kind and penalty.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from unispace.alignment.lifts import Lift, Products, products
from unispace.alignment.space import Floats, Frame

Doubles = NDArray[np.float64]

# From this cut-off on, the squares of the singular values that count are well above their rounding: 1e-8 against 1e-16.
_SQUARED = 1e-4


@dataclass(frozen=True, eq=False)
class Factors:
    """Thin singular value decomposition `left * singular @ right` of a cloud, of its rank r.

    Attributes:
        left: `(n, r)`, orthonormal columns.
        singular: `(r,)`, falling, > 0.
        right: `(r, k)`, orthonormal rows.
    """

    left: Doubles
    singular: Doubles
    right: Doubles


class Cloud:
    """Vectors of one model that maps are fitted on, and whose image each is.

    What is costly (the factorisation, clouds of centroids and the like) is made at first use and kept.

    Attributes:
        vectors: `(n, d)` as given.
        identity: `(n,)` whose image each row is, or None where that is not known.
        name: What it is called in messages.
        mean: `(d,)` float64, what is taken from each row: the mean, or zeros where the cloud is not centred.
        basis: `(d, k)` float32, the directions that are kept, or None for all.
        lift: Features of the centred rows that stand in their place, or None.
        precision: Relative size of the rounding that the vectors carry; below it a direction is no direction.
    """

    def __init__(
        self,
        vectors: NDArray[np.floating],
        identity: NDArray[np.generic] | None = None,
        name: str = "cloud",
        *,
        centre: bool = True,
        basis: Floats | None = None,
        lift: Lift | None = None,
        precision: float | None = None,
    ) -> None:
        """Check the vectors; their precision is that of their type, unless it is said to be another.

        Raises:
            ValueError: Not `(n, d)`, fewer than two rows, a value is not finite, or another number of identities.
        """
        array = np.asarray(vectors)
        if array.ndim != 2:
            raise ValueError(f"{name} must be (n, d), got shape {array.shape}")
        if len(array) < 2:
            raise ValueError(f"{name}: a map needs at least 2 rows, got {len(array)}")
        finite = np.isfinite(array).all(axis=1)
        if not finite.all():
            raise ValueError(f"{name}: row {int(np.argmin(finite))} is not finite")
        self.vectors = array
        self.identity = None if identity is None else np.asarray(identity)
        if self.identity is not None and self.identity.shape != (len(array),):
            raise ValueError(
                f"{name}: {len(array)} rows and identities of shape {self.identity.shape}"
            )
        self.name, self.basis, self.lift = name, basis, lift
        floating = array if np.issubdtype(array.dtype, np.floating) else np.float64()
        self.precision = float(np.finfo(floating.dtype).eps) if precision is None else precision
        self._centre = centre
        mean = array.mean(axis=0, dtype=np.float64)
        self.mean: Doubles = mean if centre else np.zeros_like(mean)
        self._made: dict[tuple[object, ...], Cloud] = {}
        self._permuted: tuple[Cloud, NDArray[np.integer]] | None = None

    def __len__(self) -> int:
        return len(self.vectors)

    @property
    def dimension(self) -> int:
        """Width d of the vectors of the model."""
        return self.vectors.shape[1]

    @property
    def kept(self) -> int:
        """Width k of the rows without their lift: d, or the directions that are kept."""
        return self.dimension if self.basis is None else self.basis.shape[1]

    def rows(self) -> Doubles:
        """Rows as they are fitted on, `(n, k)`, of a lift `(n, p)`: centred, reduced, lifted; in float64."""
        centred = np.subtract(self.vectors, self.mean, dtype=np.float64)
        reduced = centred if self.basis is None else centred @ self.basis.astype(np.float64)
        return reduced if self.lift is None else np.asarray(self.lift(reduced), np.float64)

    def frame(self, width: int) -> Frame:
        """Where vectors of this model go before a map of that width; without the lift."""
        return Frame(self.mean.astype(np.float32), width, self.basis)

    def check_spread(self) -> None:
        """Refuse a cloud of which nothing is left.

        Raises:
            ValueError: All vectors are equal and the cloud is centred, or all are zero.
        """
        equal = (self.vectors == self.vectors[0]).all()
        if equal and (self._centre or not self.vectors[0].any()):
            what = "equal" if self._centre else "zero"
            raise ValueError(f"all {self.name} vectors are {what}; there is nothing to map")

    @cached_property
    def factors(self) -> Factors:
        """Singular value decomposition of `rows`.

        Singular values up to eps * max(n, d) * s_max count as zero, as in `numpy.linalg.lstsq`, with the eps of the
        vectors as they were given: a network whose embeddings span a subspace leaves rounding in the other directions,
        which its inverse would blow up to maps of a hundred thousand times the size.

        Raises:
            ValueError: As `check_spread`.
        """
        self.check_spread()
        if self._permuted is not None:
            cloud, order = self._permuted
            factors = cloud.factors
            return Factors(factors.left[order], factors.singular, factors.right)
        rows = self.rows()
        cut = self.precision * max(rows.shape)
        if len(rows) > rows.shape[1] and cut >= _SQUARED:
            return _factors_of_gram(rows, cut)
        left, singular, right = np.linalg.svd(rows, full_matrices=False)
        rank = int(np.sum(singular > cut * singular[0]))
        return Factors(left[:, :rank], singular[:rank], right[:rank])

    @property
    def singles(self) -> int:
        """How many identities have one image only; 0 where identities are not known."""
        return 0 if self.identity is None else int(np.sum(self._members[2] == 1))

    def uncentred(self) -> Cloud:
        """The same rows, no mean taken."""
        return self._once(
            ("uncentred",),
            lambda: Cloud(
                self.vectors, self.identity, self.name, centre=False, precision=self.precision
            ),
        )

    def centroids(self) -> Cloud:
        """The mean of the images of each identity, in the order of their names.

        Raises:
            ValueError: Identities are not known, or there are fewer than two.
        """

        def make() -> Cloud:
            names, member, counts = self._members
            order = np.argsort(member, kind="stable")
            first = np.cumsum(counts) - counts
            sums = np.add.reduceat(self.vectors[order].astype(np.float64), first, axis=0)
            means = sums / counts[:, None]
            return self._like(means, names)

        return self._once(("centroids",), make)

    def with_company(self) -> Cloud:
        """The rows whose identity has two images or more; the cloud itself where all have.

        Raises:
            ValueError: Identities are not known, or none has two images.
        """
        _, member, counts = self._members
        if counts.min() > 1:
            return self
        if counts.max() == 1:
            raise ValueError(
                f"{self.name}: every identity has a single image, and `other-images` takes two; "
                f"fit on `images`, or bring identities with more"
            )
        return self._once(("company",), lambda: self.only(counts[member] > 1))

    def turned(self) -> Cloud:
        """Each row replaced by the next image of its identity, the last by the first; identities stay where they are."""
        return self._once(("turned",), lambda: self.reordered(next_image(self._members[1])))

    def reordered(self, order: NDArray[np.integer]) -> Cloud:
        """The rows in another order, a permutation `(n,)`, at no cost of another factorisation.

        Identities stay where they are: they are now those of what the rows are paired with.
        """
        made = self._like(self.vectors[order], self.identity)
        made._permuted = (self, order)
        return made

    def only(self, chosen: NDArray[np.bool_]) -> Cloud:
        """Some of the rows, `(n,)` of them true, before any reduction."""
        identity = None if self.identity is None else self.identity[chosen]
        return self._like(self.vectors[chosen], identity)

    def without(self, fold: int, folds: int) -> Cloud:
        """Rows whose identity is not in a fold; see `in_fold`."""
        return self._once(("without", fold, folds), lambda: self.only(~self.in_fold(fold, folds)))

    def in_fold(self, fold: int, folds: int) -> NDArray[np.bool_]:
        """Whether the identity of each row is in a fold, `(n,)`.

        Identities are dealt out in the order of their names, so that all models have the same folds.

        Args:
            fold: 0 .. folds - 1.
            folds: Their number, at least 2.

        Raises:
            ValueError: Identities are not known, or are fewer than the folds.
        """
        names, member, _ = self._members
        if len(names) < folds:
            raise ValueError(
                f"{self.name}: {len(names)} identities cannot be divided into {folds} folds to choose a penalty; "
                f"write one penalty instead of several, or `folds: {max(2, len(names))}`"
            )
        return member % folds == fold

    def reduced(self, how: str, size: int) -> Cloud:
        """Rows in fewer dimensions.

        Args:
            how: `pca` for the first principal components, `truncate` for the first coordinates.
            size: How many; of principal components no more than there are.
        """

        def make() -> Cloud:
            if how == "truncate":
                return self._like(
                    self.vectors, self.identity, np.eye(self.dimension, size, dtype=np.float32)
                )
            factors = self.factors
            basis = np.ascontiguousarray(factors.right[:size].T, np.float32)
            return self._like(self.vectors, self.identity, basis)

        return self._once((how, size), make)

    def with_products(self, components: int) -> Cloud:
        """Coordinates and the products of pairs of the first principal components, as `lifts.Products` says.

        Args:
            components: Principal components whose products are taken; no more than there are.
        """

        def make() -> Cloud:
            factors, rows = self.factors, self.rows()
            n = len(self)
            deviation = factors.singular / np.sqrt(n)
            # Components that hardly vary would be noise blown up to the size of the first ones.
            count = int(np.sum(deviation[:components] > 1e-6 * deviation[0]))
            scale = np.array([np.sqrt(np.sum(deviation**2) / rows.shape[1])], np.float32)
            basis = np.ascontiguousarray(factors.right[:count].T / deviation[:count], np.float32)
            means = products(rows, basis.astype(np.float64), scale).mean(axis=0)
            lift = Products(basis, scale, means.astype(np.float32))
            return self._like(self.vectors, self.identity, self.basis, lift)

        return self._once(("products", components), make)

    def _like(
        self,
        vectors: NDArray[np.floating],
        identity: NDArray[np.generic] | None,
        basis: Floats | None = None,
        lift: Lift | None = None,
    ) -> Cloud:
        """Other vectors made of these: as precise as they are, and centred as they are."""
        return Cloud(
            vectors, identity, self.name,
            centre=self._centre, basis=basis, lift=lift, precision=self.precision,
        )  # fmt: skip

    @cached_property
    def _members(self) -> tuple[NDArray[np.generic], NDArray[np.intp], NDArray[np.intp]]:
        """The identities in the order of their names, the place of each row's among them, and their images.

        Raises:
            ValueError: Identities are not known.
        """
        if self.identity is None:
            raise ValueError(
                f"{self.name}: it is not known whose image each row is; give `identity`"
            )
        return np.unique(self.identity, return_inverse=True, return_counts=True)

    def _once(self, key: tuple[object, ...], make: Callable[[], Cloud]) -> Cloud:
        if key not in self._made:
            self._made[key] = make()
        return self._made[key]


def _factors_of_gram(rows: Doubles, cut: float) -> Factors:
    """Factors of rows `(n, k)`, n > k, from the eigenvectors of their k x k products: a third of the time.

    Squares lose half of the digits: of a singular value s an error of about 1e-16 s_max^2 / s is left. Above the cut-off
    that is less than 1e-8 of s, see `_SQUARED`.

    Args:
        rows: As they are fitted on.
        cut: Singular values up to this share of the largest count as zero.
    """
    squares, vectors = np.linalg.eigh(rows.T @ rows)
    singular = np.sqrt(np.maximum(squares[::-1], 0))
    rank = int(np.sum(singular > cut * singular[0]))
    right = np.ascontiguousarray(vectors[:, ::-1][:, :rank].T)
    return Factors((rows @ right.T) / singular[:rank], singular[:rank], right)


def next_image(identity: NDArray[np.generic]) -> NDArray[np.intp]:
    """For each row the next one of its identity, after the last the first: `(n,)`, a permutation.

    An identity with a single image is paired with itself.
    """
    order = np.argsort(identity, kind="stable")
    ordered = identity[order]
    first = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])
    following = np.r_[order[1:], order[0]]
    last = np.r_[first[1:], len(order)] - 1
    following[last] = order[first]
    found = np.empty(len(order), np.intp)
    found[order] = following
    return found
