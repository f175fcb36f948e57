"""Clusters of models and their agreement with families, the short way, equal those of SciPy and scikit-learn."""

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score

from unispace.analysis.compatibility import (
    Compatibility,
    average_clusters,
    dendrogram,
    partition_agreement,
)


@pytest.mark.parametrize("models", [3, 6, 11])
def test_clusters_are_those_of_the_dendrogram(models):
    rng = np.random.default_rng(models)
    for _ in range(30):
        # Two decimals, so that distances are tied.
        value = rng.uniform(size=(models, models)).round(2)
        names = tuple(map(str, range(models)))
        tree = dendrogram(Compatibility(names, value, value, value))
        for number in range(1, models + 1):
            wanted, found = tree.clusters(number), average_clusters(value, number)
            assert len(np.unique(found)) == number
            assert ((found[:, None] == found) == (wanted[:, None] == wanted)).all()


def test_agreement_is_that_of_scikit_learn_to_the_bit():
    rng = np.random.default_rng(0)
    for _ in range(300):
        one, other = rng.integers(0, rng.integers(1, 6), (2, int(rng.integers(2, 13))))
        assert partition_agreement(one, other) == adjusted_rand_score(one, other)
