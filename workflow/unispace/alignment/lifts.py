"""What makes a map non-linear: features of the source, of which the map is then a matrix."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from unispace.alignment.space import Floats


class Lift(Protocol):
    """Features `(n, p)` of centred source vectors `(n, k)`."""

    kind: ClassVar[str]
    """What it is called on disk."""

    def __call__(self, centred: NDArray[np.floating]) -> NDArray[np.floating]:
        """Features `(n, p)` in the precision of the vectors `(n, k)`."""
        ...

    def jacobian(self) -> NDArray[np.floating]:
        """Derivative `(k, p)` of the features at the mean of the fit rows."""
        ...

    @property
    def size(self) -> int:
        """Number p of the features."""
        ...

    def tensors(self) -> dict[str, Floats]:
        """All that it is made of, by name."""
        ...


@dataclass(frozen=True, eq=False)
class Products:
    """The coordinates, and the products of pairs of principal components.

    The q components are brought to the variance of a mean coordinate, divided by it once more in each product: so a
    product varies about as much as a coordinate, and features scale with the vectors.

    Attributes:
        basis: `(k, q)`, columns are principal components over their standard deviation.
        scale: `(1,)`, standard deviation of a mean coordinate, the factor of each product.
        means: `(q (q + 1) / 2,)`, means of the products on the fit rows, which are taken off.
    """

    basis: Floats
    scale: Floats
    means: Floats

    kind: ClassVar[str] = "products"

    def __call__(self, centred: NDArray[np.floating]) -> NDArray[np.floating]:
        """Features `(n, k + q (q + 1) / 2)`: coordinates, then products i <= j of the rows of the upper triangle."""
        return np.hstack([centred, products(centred, self.basis, self.scale) - self.means])

    def jacobian(self) -> NDArray[np.floating]:
        """At the mean the products do not change: `(k, k + q (q + 1) / 2)`, the identity and zeros."""
        return np.eye(len(self.basis), self.size, dtype=np.float32)

    @property
    def size(self) -> int:
        """Number of the features."""
        return len(self.basis) + self.means.size

    def tensors(self) -> dict[str, Floats]:
        """All that it is made of, by name."""
        return {"basis": self.basis, "scale": self.scale, "means": self.means}


def products(
    centred: NDArray[np.floating], basis: NDArray[np.floating], scale: NDArray[np.floating]
) -> NDArray[np.floating]:
    """Scaled products i <= j of the components of vectors: `(n, k)` to `(n, q (q + 1) / 2)`."""
    component = centred @ basis
    first, second = np.triu_indices(basis.shape[1])
    return scale * component[:, first] * component[:, second]


@dataclass(frozen=True, eq=False)
class Layers:
    """Hidden layers of a perceptron: each is `max(0, x W + b)`.

    Attributes:
        weights: `(k, width)`, then `(width, width)`.
        biases: `(width,)` each.
    """

    weights: tuple[Floats, ...]
    biases: tuple[Floats, ...]

    kind: ClassVar[str] = "layers"

    def __call__(self, centred: NDArray[np.floating]) -> NDArray[np.floating]:
        """Activations `(n, width)` of the last hidden layer."""
        values = centred
        for weight, bias in zip(self.weights, self.biases, strict=True):
            values = np.maximum(values @ weight + bias, 0)
        return values

    def jacobian(self) -> NDArray[np.floating]:
        """Derivative `(k, width)` at the mean of the fit rows, through the units that are active there."""
        values = np.zeros((1, len(self.weights[0])), self.weights[0].dtype)
        slope: NDArray[np.floating] = np.eye(len(self.weights[0]), dtype=np.float32)
        for weight, bias in zip(self.weights, self.biases, strict=True):
            values = np.maximum(values @ weight + bias, 0)
            slope = (slope @ weight) * (values > 0)
        return slope

    @property
    def size(self) -> int:
        """Number of the features."""
        return self.biases[-1].size

    def tensors(self) -> dict[str, Floats]:
        """All that it is made of, by name."""
        named = {f"weight_{i}": weight for i, weight in enumerate(self.weights)}
        return named | {f"bias_{i}": bias for i, bias in enumerate(self.biases)}


def lift_of(kind: str, tensors: Mapping[str, Floats]) -> Lift:
    """A lift from its tensors.

    Raises:
        ValueError: An unknown kind, or tensors that are not those of it.
    """
    try:
        if kind == Products.kind:
            return Products(tensors["basis"], tensors["scale"], tensors["means"])
        if kind == Layers.kind:
            depth = len(tensors) // 2
            return Layers(
                tuple(tensors[f"weight_{i}"] for i in range(depth)),
                tuple(tensors[f"bias_{i}"] for i in range(depth)),
            )
    except KeyError as error:
        raise ValueError(f"lift `{kind}` has no tensor {error}") from None
    raise ValueError(f"unknown lift `{kind}`")
