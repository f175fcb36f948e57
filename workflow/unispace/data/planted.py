"""Planted embeddings: vectors of identities with known truth, for metrics and maps without any network.

Every image has a latent vector, the sum of an identity part and an image part (pose, light: it says nothing of the
identity, but all models see it, so a map carries it over and finds one image again without knowing who it shows):

    z = a + b + s,    a ~ N(0, identity_variance), b ~ N(0, image_variance), s the shift of its camera,

each coordinate alone. A model sees it turned, with noise of its own, scaled and moved:

    x = scale * (z R + e) + offset,    e ~ N(0, noise_variance), R Haar-random with orthonormal rows or columns.

The closed forms below hold for independent identities without camera shifts. They rest on these facts:

- Each coordinate of two vectors is a bivariate normal pair with one correlation, so that their cosine is the
  correlation, about a known mean, of `dimension` such pairs. Fisher's z = atanh of it is nearly normal with
  variance 1 / (dimension - 2) and mean atanh(rho) + rho / (2 dimension), whatever the correlation. Source:
  R. Fisher, "On the probable error of a coefficient of correlation deduced from a small sample", Metron 1921.
- Genuine and impostor scores are thus two normal distributions of one variance, `separation` standard deviations
  apart, and what follows for AUC, EER and TMR is the binormal model. Source: D. Green and J. Swets, "Signal
  detection theory and psychophysics", 1966.
- For one probe the scores of impostors are independent of each other and of the genuine one, since the direction
  of a Gaussian vector is uniform; so Rank-1 is the chance that one normal exceeds the largest of the others.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

Doubles = NDArray[np.float64]

_NORMAL = NormalDist()
_NODES = np.linspace(-9.0, 9.0, 3601)
"""Nodes of the quadrature behind `rank_one`; the density is below 1e-17 beyond them."""


@dataclass(frozen=True)
class PlantedModel:
    """How one model sees the latent vectors.

    Attributes:
        dimension: length of its vectors; None for that of the latent vectors.
        noise_variance: of each coordinate, its own and new for every image; before `scale`.
        scale: factor of its vectors.
        offset: length of the vector that is added to all of its vectors, in a random direction.
    """

    dimension: int | None = None
    noise_variance: float = 0.0
    scale: float = 1.0
    offset: float = 0.0

    def __post_init__(self) -> None:
        """Check the values."""
        if self.dimension is not None and self.dimension < 1:
            raise ValueError(f"a model has at least 1 dimension, got {self.dimension}")
        if self.noise_variance < 0 or self.offset < 0 or self.scale <= 0:
            raise ValueError(
                "noise_variance and offset are not negative and scale is positive, got "
                f"{self.noise_variance}, {self.offset} and {self.scale}"
            )


@dataclass(frozen=True, eq=False)
class Planted:
    """Vectors and the truth behind them.

    Attributes:
        vectors: of each model, `(n, d_model)` float64.
        identity: `(n,)` int64, 0 .. identities - 1; images of an identity stand together.
        image_id: `(n,)` names, all different.
        camera: `(n,)` int64, 0 .. cameras - 1.
        latent: `(n, d)` what all models see.
        identity_part: `(identities, d)` what stays from image to image.
        sibling: `(identities,)` int64, the identity that one resembles, or -1.
        rotation: of each model, `(d, d_model)` with orthonormal rows, or columns where d > d_model.
        offset: of each model, `(d_model,)`.
    """

    vectors: Mapping[str, Doubles]
    identity: NDArray[np.int64]
    image_id: tuple[str, ...]
    camera: NDArray[np.int64]
    latent: Doubles
    identity_part: Doubles
    sibling: NDArray[np.int64]
    rotation: Mapping[str, Doubles]
    offset: Mapping[str, Doubles]

    def map_between(self, source: str, target: str) -> Doubles:
        """The rotation `(d_source, d_target)` from one model's frame to another's, `R_s^T R_t`.

        It is the best orthogonal map between the centred spaces, and with a factor the best linear one: see
        `PlantedWorld.gain`.
        """
        return self.rotation[source].T @ self.rotation[target]


@dataclass(frozen=True)
class PlantedWorld:
    """What is planted.

    Attributes:
        models: by name. Each has random numbers of its own, so that adding one changes no other.
        identities, images_per_identity: counts, at least 1.
        dimension: of the latent vectors, at least 1.
        identity_variance: of each coordinate of the identity part.
        image_variance: of each coordinate of the image part, seen by all models alike.
        cameras: image k of an identity is taken by camera k modulo `cameras`.
        camera_variance: of each coordinate of the shift of a camera.
        siblings: share of the identities that come in pairs of two who resemble each other, in [0, 1].
        likeness: correlation of the identity parts of two siblings, in [0, 1].
    """

    models: Mapping[str, PlantedModel]
    identities: int = 100
    images_per_identity: int = 5
    dimension: int = 32
    identity_variance: float = 1.0
    image_variance: float = 1.0
    cameras: int = 1
    camera_variance: float = 0.0
    siblings: float = 0.0
    likeness: float = 0.9

    def __post_init__(self) -> None:
        """Check the values."""
        counts = (self.identities, self.images_per_identity, self.dimension, self.cameras)
        if min(counts) < 1:
            raise ValueError(
                f"identities, images, dimensions and cameras are at least 1, got {counts}"
            )
        variances = (self.identity_variance, self.image_variance, self.camera_variance)
        if min(variances) < 0:
            raise ValueError(f"variances are not negative, got {variances}")
        if not (0 <= self.siblings <= 1 and 0 <= self.likeness <= 1):
            raise ValueError(
                f"siblings and likeness lie between 0 and 1, got {self.siblings} and {self.likeness}"
            )

    def draw(self, seed: int) -> Planted:
        """Draw the world: equal seeds, equal vectors."""
        identity_part, sibling = self._identity_part(_generator(seed, "identities"))
        identity = np.repeat(np.arange(self.identities), self.images_per_identity)
        number = np.tile(np.arange(self.images_per_identity), self.identities)
        camera = number % self.cameras
        shape = (self.cameras, self.dimension)
        shift = math.sqrt(self.camera_variance) * _generator(seed, "cameras").normal(size=shape)
        image_part = _generator(seed, "images").normal(size=(len(identity), self.dimension))
        latent = (
            identity_part[identity] + math.sqrt(self.image_variance) * image_part + shift[camera]
        )
        vectors, rotation, offset = {}, {}, {}
        for name, model in self.models.items():
            rng = _generator(seed, "model", name)
            width = self._width(name)
            rotation[name] = haar(self.dimension, width, rng)
            direction = rng.normal(size=width)
            offset[name] = model.offset * direction / np.linalg.norm(direction)
            noise = math.sqrt(model.noise_variance) * rng.normal(size=(len(identity), width))
            vectors[name] = model.scale * (latent @ rotation[name] + noise) + offset[name]
        return Planted(
            vectors=vectors,
            identity=identity,
            image_id=tuple(
                f"planted/{i:05d}/{k:04d}" for i, k in zip(identity, number, strict=True)
            ),
            camera=camera,
            latent=latent,
            identity_part=identity_part,
            sibling=sibling,
            rotation=rotation,
            offset=offset,
        )

    def _identity_part(self, rng: np.random.Generator) -> tuple[Doubles, NDArray[np.int64]]:
        part = rng.normal(size=(self.identities, self.dimension))
        sibling = np.full(self.identities, -1)
        paired = 2 * int(self.siblings * self.identities / 2)
        elder, younger = np.arange(0, paired, 2), np.arange(1, paired, 2)
        sibling[elder], sibling[younger] = younger, elder
        own = math.sqrt(1 - self.likeness**2)
        part[younger] = self.likeness * part[elder] + own * part[younger]
        return math.sqrt(self.identity_variance) * part, sibling

    def _width(self, name: str) -> int:
        return self.models[name].dimension or self.dimension

    def correlation(self, first: str, second: str, *, same_image: bool = False) -> float:
        """Correlation of a coordinate of two vectors of one identity, each in its model's latent frame.

        Args:
            first: a model.
            second: a model, the same or another.
            same_image: of one image in both models, which shares the image part as well; else of two images.

        Raises:
            ValueError: there are cameras that shift or siblings, or one image in one model is asked for.
        """
        self._independent()
        if same_image and first == second:
            raise ValueError("one image in one model is one vector, not two")
        latent = self.identity_variance + self.image_variance
        shared = latent if same_image else self.identity_variance
        one, two = (latent + self.models[name].noise_variance for name in (first, second))
        return shared / math.sqrt(one * two)

    def separation(self, first: str, second: str, *, same_image: bool = False) -> float:
        """d', the distance of genuine and impostor cosines in standard deviations of their Fisher z.

        Across models it is that of vectors mapped by the true rotation. An approximation for large dimension;
        from 16 on, the AUC computed from it is right to 0.003 and the EER to 0.004 (tests/data/test_planted.py).

        Raises:
            ValueError: as `correlation`; or there is no closed form, because a model has an offset, or is of
                another dimension than the other one, or is wider than the latent vectors and noisy.
        """
        widths = {self._width(name) for name in (first, second)}
        for name in (first, second):
            model = self.models[name]
            if model.offset:
                raise ValueError(f"{name}: cosines about an offset have no closed form")
            if self._width(name) > self.dimension and model.noise_variance:
                raise ValueError(f"{name}: noise outside the latent dimensions has no closed form")
        if len({min(width, self.dimension) for width in widths}) > 1 or (
            first != second and min(widths) < self.dimension
        ):
            raise ValueError(
                f"{first} and {second} keep different dimensions of the latent vectors"
            )
        pairs = min(*widths, self.dimension)
        if pairs < 3:
            raise ValueError(f"Fisher's z needs at least 3 dimensions, got {pairs}")
        rho = self.correlation(first, second, same_image=same_image)
        if rho == 1:
            raise ValueError(
                f"{first} and {second} agree without noise; nothing can be separated more"
            )
        return (math.atanh(rho) + rho / (2 * pairs)) * math.sqrt(pairs - 2)

    def gain(self, source: str, target: str, penalty: float = 0.0) -> float:
        """Factor g of the best linear map `g R_s^T R_t` between the centred spaces.

        From the normal equations, `(v R_s^T R_s + noise + penalty / scale^2) W = v R_s^T R_t` in units of the
        scales, with v the variance of a latent coordinate: least squares shrinks because its source is noisy.

        Args:
            source: a model, no narrower than the latent vectors.
            target: a model.
            penalty: of a ridge for each row, alpha / n.

        Raises:
            ValueError: cameras that shift or siblings, or a source that loses latent dimensions.
        """
        self._independent()
        self._complete(source)
        here, there = self.models[source], self.models[target]
        latent = self.identity_variance + self.image_variance
        ridge = penalty / here.scale**2
        return there.scale / here.scale * latent / (latent + here.noise_variance + ridge)

    def map_error(self, source: str, target: str, gain: float) -> float:
        """Expected squared length of `x_t - gain * x_s R_s^T R_t`, both centred, for a new image.

        Smallest, and the error of the best linear map, for `gain(source, target)`.

        Raises:
            ValueError: cameras that shift or siblings, or a model that loses latent dimensions.
        """
        self._independent()
        self._complete(source)
        self._complete(target)
        here, there = self.models[source], self.models[target]
        latent = self.identity_variance + self.image_variance
        missed = (there.scale - gain * here.scale) ** 2 * latent
        carried = (gain * here.scale) ** 2 * here.noise_variance
        own = there.scale**2 * there.noise_variance
        return self.dimension * (missed + carried) + self._width(target) * own

    def least_squares_error(self, source: str, target: str, rows: int) -> float:
        """Expected squared error, on new images, of least squares fitted on `rows` images of different identities.

        `map_error` of the best map times (n + 1) (n - 2) / (n (n - p - 2)), n rows and p source dimensions: the
        exact price of fitting on Gaussian rows, the mean included. Source: C. Stein, "Multiple regression",
        in: Contributions to probability and statistics, 1960.

        Raises:
            ValueError: as `map_error`; or rows < p + 3.
        """
        # Without noise, the rows of a wider source span the latent dimensions alone.
        noisy = self.models[source].noise_variance > 0
        width = self._width(source) if noisy else self.dimension
        if rows < width + 3:
            raise ValueError(f"{width} dimensions need at least {width + 3} rows, got {rows}")
        best = self.map_error(source, target, self.gain(source, target))
        return best * (rows + 1) * (rows - 2) / (rows * (rows - width - 2))

    def _independent(self) -> None:
        if self.siblings and self.likeness:
            raise ValueError("siblings are not independent; there is no closed form")
        if self.camera_variance:
            raise ValueError("shifts of cameras are shared by images; there is no closed form")

    def _complete(self, name: str) -> None:
        if self._width(name) < self.dimension:
            raise ValueError(
                f"{name}: keeps {self._width(name)} of {self.dimension} latent dimensions"
            )


def haar(rows: int, columns: int, rng: np.random.Generator) -> Doubles:
    """A random matrix with orthonormal rows, or columns where there are fewer of them; uniform over all of these.

    QR of a Gaussian matrix, with the signs of R's diagonal moved into Q; without that it is not uniform. Source:
    F. Mezzadri, "How to generate random matrices from the classical compact groups", Notices of the AMS 2007.
    """
    gaussian = rng.normal(size=(max(rows, columns), min(rows, columns)))
    q, r = np.linalg.qr(gaussian)
    q = q * np.sign(np.diag(r))
    return q if rows >= columns else q.T


def area(separation: float) -> float:
    """AUC in [0, 1] of two normal distributions of one variance, Phi(d' / sqrt(2))."""
    return _NORMAL.cdf(separation / math.sqrt(2))


def equal_error(separation: float) -> float:
    """EER in [0, 1], Phi(-d' / 2)."""
    return _NORMAL.cdf(-separation / 2)


def true_match_rate(separation: float, fmr: float) -> float:
    """TMR in [0, 1] at an FMR in (0, 1), Phi(d' + Phi^-1(FMR))."""
    return _NORMAL.cdf(separation + _NORMAL.inv_cdf(fmr))


def rank_one(separation: float, gallery: int) -> float:
    """Rank-1 in [0, 1] with one enrolled image of each of `gallery` identities: E[Phi(t + d')^(gallery - 1)]."""
    density = np.exp(-(_NODES**2) / 2) / math.sqrt(2 * math.pi)
    below = np.array([_NORMAL.cdf(node + separation) for node in _NODES.tolist()])
    # Smooth, and zero at both ends: sums of equal steps converge faster than any power of the step.
    return float(np.sum(density * below ** (gallery - 1)) * (_NODES[1] - _NODES[0]))


def _generator(seed: int, *name: str) -> np.random.Generator:
    digest = hashlib.sha256("\0".join(name).encode()).digest()
    return np.random.default_rng([seed, int.from_bytes(digest[:8], "big")])
