"""Two clouds whose rows belong together, and what all maps between them are made of."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from unispace.alignment.cloud import Cloud, Doubles
from unispace.alignment.space import Frame


@dataclass(frozen=True)
class Split:
    """Singular value decomposition `left * singular @ right` of a cross product in the bases of two clouds.

    Attributes:
        left: `(r_x, m)`.
        singular: `(m,)`, falling.
        right: `(m, r_y)`.
    """

    left: Doubles
    singular: Doubles
    right: Doubles


class Pair:
    """Source and target rows that belong together, X = U S V^T and Y = P T Q^T; what is costly is made once.

    Attributes:
        source: Fit rows of the source, `n` of them.
        target: Fit rows of the target, row by row those that the source's are mapped to.
    """

    def __init__(self, source: Cloud, target: Cloud) -> None:
        """Take two clouds of equally many rows.

        Raises:
            ValueError: Row counts or identities differ.
        """
        if len(source) != len(target):
            raise ValueError(
                f"{source.name} has {len(source)} rows and {target.name} {len(target)}; "
                "a map is fitted on the same images in both spaces"
            )
        one, other = source.identity, target.identity
        if one is not None and other is not None and not np.array_equal(one, other):
            row = int(np.argmin(one == other))
            raise ValueError(
                f"row {row} is of {one[row]} in {source.name} and of {other[row]} in {target.name}; "
                "a map is fitted on the same images in both spaces"
            )
        self.source, self.target = source, target
        self._splits: dict[float | None, Split] = {}
        self._turned: Pair | None = None

    def __len__(self) -> int:
        return len(self.source)

    @cached_property
    def frames(self) -> tuple[Frame, Frame]:
        """Frames of source and target, of the common width."""
        width = max(self.source.kept, self.target.kept)
        return self.source.frame(width), self.target.frame(width)

    @cached_property
    def cross(self) -> Doubles:
        """`U^T P (r_x, r_y)`: with the factors, all cross products of the two clouds."""
        if self._turned is not None:
            return self._turned.cross.T
        return self.source.factors.left.T @ self.target.factors.left

    @cached_property
    def coefficients(self) -> Doubles:
        """`U^T Y (r_x, k_y)`: the target in the left basis of the source, of which all regressions are made."""
        target = self.target.factors
        return (self.cross * target.singular) @ target.right

    def split(self, shrinkage: float | None = None) -> Split:
        """Singular value decomposition of the cross product of the two clouds in their right bases, `V^T X^T Y Q`.

        Args:
            shrinkage: With a number, of the whitened clouds, see `whitening`; None leaves them as they are.
        """
        if shrinkage not in self._splits:
            if self._turned is not None and shrinkage in self._turned._splits:
                other = self._turned._splits[shrinkage]
                self._splits[shrinkage] = Split(other.right.T, other.singular, other.left.T)
            else:
                ends = [c.factors.singular for c in (self.source, self.target)]
                if shrinkage is not None:
                    weights = [whitening(c, shrinkage) for c in (self.source, self.target)]
                    ends = [s * w for s, w in zip(ends, weights, strict=True)]
                core = ends[0][:, None] * self.cross * ends[1]
                self._splits[shrinkage] = Split(*np.linalg.svd(core, full_matrices=False))
        return self._splits[shrinkage]

    @cached_property
    def shared(self) -> int:
        """How many directions the two clouds have in common; those whose cross-covariance is rounding alone are free."""
        singular = self.split().singular
        return int(np.sum(singular > np.finfo(np.float64).eps * singular.size * singular[0]))

    def sides(self) -> tuple[Doubles, Doubles]:
        """The directions that the two clouds share, in either space: columns `(k_x, m)` and `(k_y, m)`."""
        split, m = self.split(), self.shared
        left = self.source.factors.right.T @ split.left[:, :m]
        right = self.target.factors.right.T @ split.right[:m].T
        return left, right

    @cached_property
    def closest(self) -> Doubles:
        """`(k_x, k_y)`: takes the shared directions of the source to those of the target, and all others to zero.

        It is the polar factor of X^T Y, and its transpose is that of the pair turned.
        """
        if self._turned is not None and "closest" in vars(self._turned):
            return self._turned.closest.T
        left, right = self.sides()
        return left @ right.T

    def turned(self) -> Pair:
        """The pair from target to source; the two share all that they have in common."""
        if self._turned is None:
            self._turned = Pair(self.target, self.source)
            self._turned._turned = self
        return self._turned


def whitening(cloud: Cloud, shrinkage: float) -> Doubles:
    """Factors `(r,)` that bring each principal component of a cloud to variance 1.

    1 / sqrt((1 - shrinkage) variance + shrinkage mean variance), the mean taken over all k coordinates: a covariance
    that is shrunk towards a multiple of the identity. Source: O. Ledoit and M. Wolf, "A well-conditioned estimator for
    large-dimensional covariance matrices", Journal of Multivariate Analysis 2004; the share is given, not estimated.

    Args:
        cloud: `(n, k)`, of rank r.
        shrinkage: Share in [0, 1]; 0 whitens fully.
    """
    variance = cloud.factors.singular**2 / len(cloud)
    mean = variance.sum() / cloud.kept
    return 1 / np.sqrt((1 - shrinkage) * variance + shrinkage * mean)


class Pairs:
    """Pairs of clouds under all settings; each is made once, and turned for the other direction."""

    def __init__(self) -> None:
        """Start without any."""
        self._made: dict[tuple[int, int], Pair] = {}

    def corresponding(self, source: Cloud, target: Cloud, fit_on: str, *, centred: bool) -> Pair:
        """Rows that belong together, before any reduction.

        Args:
            source: All fit rows of the source.
            target: All fit rows of the target, of the same images in the same order.
            fit_on: `images`: row by row; `other-images`: each row with the next one of its identity, identities with a
                single image left out; `centroids`: the means of an identity.
            centred: Whether the mean of the rows is taken off.

        Raises:
            ValueError: Row counts or identities differ, or identities are needed and not known.
        """
        if not centred:
            source, target = source.uncentred(), target.uncentred()
        if fit_on == "centroids":
            source, target = source.centroids(), target.centroids()
        elif fit_on == "other-images":
            source, target = source.with_company(), target.with_company().turned()
        return self.pair(source, target)

    def laid(self, pair: Pair, mismatch: str) -> Pair:
        """The pair in one number of dimensions, unless the narrower one is padded."""
        source, target = pair.source, pair.target
        if mismatch == "pad" or source.kept == target.kept:
            return pair
        size = min(source.kept, target.kept)
        if source.kept > size:
            source = source.reduced(mismatch, size)
        else:
            target = target.reduced(mismatch, size)
        return self.pair(source, target)

    def pair(self, source: Cloud, target: Cloud) -> Pair:
        """The pair of two clouds."""
        key = id(source), id(target)
        if key not in self._made:
            turned = self._made.get((id(target), id(source)))
            self._made[key] = Pair(source, target) if turned is None else turned.turned()
        return self._made[key]
