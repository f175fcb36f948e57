"""The gradients of several data sets in the weights that they share: taken, compared, put together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import torch
from torch import Tensor, nn
from torchjd.aggregation import PCGradWeighting

# A gradient as a tensor for each weight, None where the weight took no part.
Gradient = list[Tensor | None]


@dataclass(frozen=True)
class Gramian:
    """Inner products of gradients.

    Attributes:
        names: the data sets, `(k,)`.
        products: `(k, k)`, float64.
    """

    names: tuple[str, ...]
    products: Tensor

    def norms(self) -> dict[str, float]:
        """Length of each gradient."""
        return dict(zip(self.names, self.products.diagonal().sqrt().tolist(), strict=True))

    def cosines(self) -> dict[tuple[str, str], float]:
        """Cosine of each pair in their order; a gradient of length 0 has none."""
        norms = self.norms()
        return {
            (self.names[i], self.names[j]): float(self.products[i, j])
            / (norms[self.names[i]] * norms[self.names[j]])
            for i, j in combinations(range(len(self.names)), 2)
            if norms[self.names[i]] and norms[self.names[j]]
        }


def take(parameters: Sequence[nn.Parameter]) -> Gradient:
    """The gradients of weights, which have none after this."""
    taken: Gradient = [parameter.grad for parameter in parameters]
    for parameter in parameters:
        parameter.grad = None
    return taken


def added(one: Gradient, other: Gradient) -> Gradient:
    """The sum of two gradients."""
    return [b if a is None else a if b is None else a + b for a, b in zip(one, other, strict=True)]


def put(
    parameters: Sequence[nn.Parameter], gradients: Iterable[Gradient], factors: Iterable[float]
) -> None:
    """Give weights the sum of gradients, each times its factor, added in their order."""
    totals: Gradient = [None] * len(parameters)
    for gradient, factor in zip(gradients, factors, strict=True):
        totals = added(totals, [None if g is None else g * factor for g in gradient])
    for parameter, total in zip(parameters, totals, strict=True):
        parameter.grad = total


def gramian(gradients: Mapping[str, Gradient]) -> Gramian:
    """The inner products of the gradients of data sets."""
    names = tuple(gradients)
    products = torch.zeros(len(names), len(names), dtype=torch.float64)
    for i, one in enumerate(names):
        for j, other in enumerate(names[: i + 1]):
            pairs = zip(gradients[one], gradients[other], strict=True)
            product = sum(
                float(torch.dot(a.flatten(), b.flatten()))
                for a, b in pairs
                if a is not None and b is not None
            )
            products[i, j] = products[j, i] = product
    return Gramian(names, products)


def without_conflict(products: Gramian, order: torch.Generator) -> list[float]:
    """Factors of gradients in their sum without conflicting components.

    PCGrad (Yu et al. 2020, arXiv 2001.06782, algorithm 1): every gradient loses its component along each other
    one that it opposes, in an order drawn anew for each gradient.
    """
    # The library draws from the global state.
    torch.manual_seed(order.initial_seed())
    return PCGradWeighting()(products.products).tolist()
