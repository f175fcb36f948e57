"""Ceilings: what a map that is not linear can reach on the same fit rows."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from unispace.alignment.lifts import Layers
from unispace.alignment.linear import finished, penalised, stored
from unispace.alignment.mapping import Map
from unispace.alignment.pairs import Pair
from unispace.alignment.penalty import Fold, penalty
from unispace.config.methods import Mlp, Quadratic


def fit_quadratic(pair: Pair, method: Quadratic, fold: Callable[[int, int], Fold]) -> Map:
    """Ridge regression on the coordinates and on products of principal components, see `lifts.Products`.

    Args:
        pair: What it is fitted on; its source is lifted.
        method: The penalty, or several to choose from.
        fold: Number and count to the fold of that number, lifted too.
    """
    alpha, settings = penalty(method, fold)
    matrix = penalised(pair, alpha)
    settings["components"] = method.components
    return finished(pair, method, matrix, matrix.size, settings=settings, lift=pair.source.lift)


def fit_mlp(pair: Pair, method: Mlp, rng: np.random.Generator) -> Map:
    """A multi-layer perceptron with ReLU, trained on the squared error by Adam, for a fixed number of epochs.

    Both clouds are brought to unit variance of a mean coordinate for the training, by one factor each. The factors are
    then multiplied into the first and the last layer.
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.neural_network import MLPRegressor

    for cloud in (pair.source, pair.target):
        cloud.check_spread()
    source, target = pair.source.rows(), pair.target.rows()
    spread_x, spread_y = (float(np.sqrt(np.mean(rows**2))) for rows in (source, target))
    network = MLPRegressor(
        hidden_layer_sizes=(method.width,) * method.layers,
        alpha=method.weight_decay,
        batch_size=min(method.batch_size, len(pair)),  # pyright: ignore[reportArgumentType] (or "auto")
        learning_rate_init=method.learning_rate,
        max_iter=method.epochs,
        tol=0.0,
        n_iter_no_change=method.epochs + 1,
        random_state=int(rng.integers(2**32)),
    )
    with warnings.catch_warnings():
        # It says that the epochs are over, which they are meant to be.
        warnings.simplefilter("ignore", ConvergenceWarning)
        network.fit((source / spread_x).astype(np.float32), (target / spread_y).astype(np.float32))
    weights, biases = list(network.coefs_), list(network.intercepts_)
    weights[0] = weights[0] / spread_x
    lift = Layers(
        tuple(stored(weight) for weight in weights[:-1]),
        tuple(stored(bias) for bias in biases[:-1]),
    )
    count = sum(part.size for part in (*weights, *biases))
    settings = method.model_dump(
        include={"width", "layers", "epochs", "batch_size", "learning_rate", "weight_decay"}
    )
    made = finished(pair, method, weights[-1] * spread_y, count, settings=settings, lift=lift)
    return _with_bias(made, biases[-1] * spread_y)


def _with_bias(made: Map, bias: np.ndarray) -> Map:
    """The map with the bias of its last layer added to what is added already."""
    offset = np.zeros(made.target.width, np.float32) if made.offset is None else made.offset
    padded = np.pad(stored(bias), (0, offset.size - bias.size))
    return replace(made, offset=offset + padded)
