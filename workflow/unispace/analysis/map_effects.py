"""What maps do to test images: how alike two models are before and after, where identities lie, what is left over."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from unispace.alignment.mapping import Map
from unispace.alignment.space import Frame
from unispace.analysis.centroids import centroid_geometry
from unispace.analysis.map_geometry import Residuals, residuals, unexplained_share
from unispace.analysis.representation import Representation, compare_representations
from unispace.analysis.subspaces import Basis
from unispace.analysis.transitivity import transitivity
from unispace.evaluation.bootstrap import draw
from unispace.evaluation.measure import Measure

SIMILARITIES = ("RSA", "CKA", "CKA-debiased")
_Key = tuple[str, bytes, bytes]


@dataclass(frozen=True, eq=False)
class MappedImages:
    """Images that maps are tested on, in all models; what is compared with many is made once.

    Attributes:
        vectors: of each model, `(n, d_model)` of unit length.
        identity: `(n,)` of each image, any integers.
        resamples: of identities, at least 40; all maps are measured on the same ones.
        stream: random numbers by a name.
    """

    vectors: Mapping[str, NDArray[np.float32]]
    identity: NDArray[np.intp]
    resamples: int
    stream: Callable[[str], np.random.Generator]
    _seen: dict[_Key, Representation] = field(default_factory=dict, init=False, repr=False)

    def unmapped(self, source: str, target: str) -> list[Measure]:
        """RSA and CKA of two models as they are: symmetric, and without any fit.

        Returns:
            As `representation.compare_representations`; failed, too, where there are too few images, or all vectors
            of a model have one direction.
        """
        return self._compare(lambda: self._of(source, None), lambda: self._of(target, None))

    def similarity(self, source: str, target: str, fitted: Map) -> list[Measure]:
        """RSA and CKA of what a map gives for the source, and the target; the source alone can have changed.

        Returns:
            As `unmapped`. The two clouds are centred, unlike there.
        """

        def mapped() -> Representation:
            if fitted.matrix is None:
                return self._of(source, fitted.source)
            return Representation.of(fitted.transform(self.vectors[source]), self.identity)

        return self._compare(mapped, lambda: self._of(target, fitted.target))

    def centroids(self, source: str, target: str, fitted: Map) -> list[Measure]:
        """As `centroids.centroid_geometry`, after a map; before it where the map is the baseline."""
        return centroid_geometry(
            *self._ends(source, target, fitted),
            self.identity,
            self.resamples,
            self.stream("centroids"),
        )

    def residuals(
        self, source: str, target: str, fitted: Map, basis: Basis
    ) -> tuple[Residuals, Measure]:
        """What a map leaves of the target along each component of `basis`, and of all together."""
        mapped, place = self._ends(source, target, fitted)
        found = residuals(mapped, place, basis)
        own = slice(None, len(basis.axes))
        whole = unexplained_share(
            mapped[:, own], place[:, own], found.scale,
            self.identity, self.resamples, self.stream("residuals"),
        )  # fmt: skip
        return found, whole

    def composed(
        self, ends: tuple[str, str], first: Map, second: Map, direct: Map
    ) -> list[Measure]:
        """As `transitivity.transitivity`, between the two models `ends`."""
        source, target = (self.vectors[model] for model in ends)
        return transitivity(
            first, second, direct, source, target,
            self.identity, self.resamples, self.stream("transitivity"),
        )  # fmt: skip

    def _ends(
        self, source: str, target: str, fitted: Map
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        return fitted.transform(self.vectors[source]), fitted.place(self.vectors[target])

    def _compare(
        self, first: Callable[[], Representation], second: Callable[[], Representation]
    ) -> list[Measure]:
        try:
            ours, theirs = first(), second()
        except ValueError as reason:
            n = len(self.identity)
            return [Measure.failed(metric, n, "identity", reason) for metric in SIMILARITIES]
        rng = self.stream("similarity")
        return compare_representations(ours, theirs, draw(ours.identities, self.resamples, rng))

    def _of(self, model: str, frame: Frame | None) -> Representation:
        """A model in a frame, or as it is. Zeros that pad it change no cosine, so the width of the frame is none."""
        basis = b"" if frame is None or frame.basis is None else frame.basis.tobytes()
        key = (model, b"" if frame is None else frame.mean.tobytes(), basis)
        if key not in self._seen:
            vectors = self.vectors[model]
            placed = vectors if frame is None else frame.place(vectors)
            self._seen[key] = Representation.of(placed, self.identity)
        return self._seen[key]
