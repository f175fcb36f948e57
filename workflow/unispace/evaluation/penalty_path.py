"""Logistic regression for many penalties: one eigenbasis, and each optimum starts from the one before.

The objective is scikit-learn's (`LogisticRegression`, the reference of the tests): the mean negative log-likelihood of
a softmax, of a single logistic function for two classes, plus |W|^2 / (2 C n), the intercepts free. Images may have
weights, as its `sample_weight`.

In the eigenbasis of the covariance S of the vectors, with eigenvalues s, the Hessian is near to w s + 1 / (C n), where
w is the mean of p (1 - p): at W = 0 exactly so (D. Boehning, "Multinomial logistic regression algorithm", Annals of the
Institute of Statistical Mathematics 44, 1992, bounds it by a constant w). Weights divided by the root of that diagonal
make a problem that is nearly round, which L-BFGS solves in few steps.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Labels = NDArray[np.integer]
Doubles = NDArray[np.float64]

TOLERANCE = 1e-4
"""Largest entry of the gradient that counts as zero, in the scaled weights: about the root of what the mean loss still
is above its least. scikit-learn's tolerance is of the unscaled gradient, which grows loose as C grows."""


@dataclass(frozen=True, eq=False)
class Linear:
    """A linear classifier, its fields as scikit-learn names them.

    Attributes:
        classes_: `(k,)` labels, rising.
        coef_: `(k, d)`, for two classes `(1, d)`.
        intercept_: `(k,)`, for two classes `(1,)`.
    """

    classes_: Labels
    coef_: Doubles
    intercept_: Doubles

    def predict(self, vectors: NDArray[np.floating]) -> Labels:
        """The likeliest label `(n,)` of each of the vectors `(n, d)`."""
        scores = vectors @ self.coef_.T + self.intercept_
        found = scores[:, 0] > 0 if len(self.classes_) == 2 else scores.argmax(axis=1)
        return self.classes_[np.asarray(found).astype(np.intp)]


class Unfinished(ValueError):
    """The iterations did not suffice; `penalty` is the C for which they did not."""

    def __init__(self, penalty: float) -> None:
        super().__init__(f"C = {penalty:g} takes more iterations")
        self.penalty = penalty


def fit_path(
    vectors: Doubles,
    label: Labels,
    penalties: Sequence[float],
    iterations: int,
    weights: Doubles | None = None,
) -> Iterator[tuple[float, Linear]]:
    """Fit with every C, from the smallest to the largest.

    Args:
        vectors: `(n, d)`.
        label: `(n,)` integers, at least two different ones.
        penalties: values of C > 0.
        iterations: most steps of the solver for each.
        weights: `(n,)` > 0, how much each counts in the likelihood, their sum in place of n in the penalty; 1 by default.

    Yields:
        C and its classifier.

    Raises:
        Unfinished: the iterations did not suffice for one of them.
    """
    from scipy.optimize import minimize

    classes, codes = np.unique(label, return_inverse=True)
    mean = vectors.mean(axis=0)
    turned, values, basis = _turned(vectors - mean)
    outputs = 1 if len(classes) == 2 else len(classes)
    # Every image counts alike in `_turned` and `_spread`, which change the way to the optimum and not the optimum.
    total = len(vectors) if weights is None else float(weights.sum())
    relative = None if weights is None else weights * (len(vectors) / total)
    solved: list[tuple[float, Doubles]] = []
    for penalty in sorted(penalties):
        start = _guess(solved, np.log(penalty), (len(values) + 1, outputs))
        decay, spread = 1 / (penalty * total), _spread(turned @ start[:-1] + start[-1])
        # The last row are the intercepts, which have no penalty.
        scale = 1 / np.sqrt(np.append(spread * values + decay, max(spread, decay)))[:, None]
        problem = _Problem(
            turned * scale[:-1].T, codes, decay * scale[:-1] ** 2, scale[-1], outputs, relative
        )
        found = minimize(
            problem,
            (start / scale).ravel(),
            jac=True,
            method="L-BFGS-B",
            options={
                "maxiter": iterations,
                "maxfun": 20 * iterations,
                "gtol": TOLERANCE,
                "ftol": 64 * np.finfo(float).eps,
                "maxls": 50,
            },
        )
        if not found.success:
            raise Unfinished(penalty)
        optimum = found.x.reshape(-1, outputs) * scale
        solved.append((np.log(penalty), optimum))
        coefficients = (basis @ optimum[:-1]).T
        yield penalty, Linear(classes, coefficients, optimum[-1] - coefficients @ mean)


def _turned(centred: Doubles) -> tuple[Doubles, Doubles, Doubles]:
    """Vectors in the eigenbasis of their covariance, its eigenvalues and vectors `(d, r)`.

    Directions in which nothing lies are left out: weights there are zero at every optimum.
    """
    values, basis = np.linalg.eigh(centred.T @ centred / len(centred))
    there = values > values[-1] * len(values) * np.finfo(float).eps
    return centred @ basis[:, there], values[there], basis[:, there]


def _guess(solved: Sequence[tuple[float, Doubles]], at: float, shape: tuple[int, int]) -> Doubles:
    """Weights on the line through the last two optima, over the logarithm of C; the last one, or zero, without two."""
    if len(solved) < 2:
        return solved[-1][1] if solved else np.zeros(shape)
    (before, first), (last, second) = solved[-2:]
    return second + (at - last) / (last - before) * (second - first)


def _spread(logits: Doubles) -> float:
    """Mean of p (1 - p) over images and outputs, never quite zero."""
    share = _logistic(logits) if logits.shape[1] == 1 else _softmax(logits)[0]
    return max(float(np.mean(share * (1 - share))), 1e-6)


def _logistic(logits: Doubles) -> Doubles:
    from scipy.special import expit

    return expit(logits)


def _softmax(logits: Doubles) -> tuple[Doubles, Doubles]:
    """Shares `(n, k)` and the logarithm of what they were divided by, `(n,)`, of logits that are lost."""
    highest = logits.max(axis=1, keepdims=True)
    logits = logits - highest
    np.exp(logits, out=logits)
    total = logits.sum(axis=1, keepdims=True)
    logits /= total
    return logits, (np.log(total) + highest)[:, 0]


class _Problem:
    """The loss and its gradient at scaled weights and intercepts, `((d + 1) * outputs,)`."""

    def __init__(
        self,
        vectors: Doubles,
        codes: Labels,
        decay: Doubles,
        of_free: Doubles,
        outputs: int,
        relative: Doubles | None,
    ) -> None:
        self._vectors, self._codes, self._decay = vectors, codes, decay
        self._of_free, self._outputs = of_free, outputs
        self._rows = np.arange(len(vectors))
        self._relative = relative  # weights of mean 1, or None

    def __call__(self, flat: Doubles) -> tuple[float, Doubles]:
        point = flat.reshape(-1, self._outputs)
        weights, free = point[:-1], point[-1] * self._of_free
        logits = self._vectors @ weights
        logits += free
        if self._outputs == 1:
            chosen = np.where(self._codes == 1, logits[:, 0], -logits[:, 0])
            losses = np.logaddexp(0, -chosen)
            residual = _logistic(logits) - self._codes[:, None]
        else:
            chosen = logits[self._rows, self._codes]
            residual, total = _softmax(logits)
            losses = total - chosen
            residual[self._rows, self._codes] -= 1
        if self._relative is not None:
            losses *= self._relative
            residual *= self._relative[:, None]
        gradient = np.empty_like(point)
        n, pull = len(self._rows), self._decay * weights
        np.matmul(self._vectors.T, residual, out=gradient[:-1])
        gradient[:-1] /= n
        gradient[:-1] += pull
        gradient[-1] = residual.sum(axis=0) * (self._of_free / n)
        return float(losses.mean() + 0.5 * np.vdot(weights, pull)), gradient.ravel()
