"""Linear separability: is the domain of an image written in its embedding, and is that more than its looks?

The classifier is a multinomial logistic regression, fitted on some identities and classes and tested on others,
with every domain of equal weight. Three controls stand beside it.

- *Shuffled*: every identity and class gets a domain at random. The classifier must then be at chance; it could
  only be better if it knew tested identities. Source: J. Hewitt and P. Liang, "Designing and interpreting probes
  with control tasks", EMNLP 2019.
- *Statistics*: image statistics alone, without any model.
- *Matched*: image statistics and their squares are regressed out of the embedding, by a regression of the fit
  side alone. Regression within the fit side errs on neither side, while choosing a matched subsample is biased
  upwards and regression over all the data downwards: L. Snoek, S. Miletic and H. Scholte, "How to control for
  confounds in decoding analyses of neuroimaging data", NeuroImage 2019. What the statistics and the content
  have in common goes with them, so that the rest is a lower bound.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from unispace.data.splits import fractions
from unispace.evaluation.bootstrap import TooFewClusters, draw, proportion_interval
from unispace.evaluation.measure import Measure

Doubles = NDArray[np.float64]
Integers = NDArray[np.integer]
_ITERATIONS = 5000


@dataclass(frozen=True, eq=False)
class Images:
    """Images of several domains.

    Attributes:
        domains: names of the domains.
        domain: `(n,)` place of each image's domain in `domains`.
        cluster: `(n,)` identity or class of each image, 0 .. clusters - 1; a person has one number in all domains.
        fit: `(n,)` bool, whether the classifier is fitted on the image; a cluster is on one side only.
    """

    domains: tuple[str, ...]
    domain: NDArray[np.intp]
    cluster: NDArray[np.intp]
    fit: NDArray[np.bool_]

    @classmethod
    def of(cls, domain: Iterable[str], label: Iterable[str], fit_share: float) -> Images:
        """Divide images by a hash of their labels.

        Equal labels are one cluster wherever they come from: so good and bad images of a person are on one side.
        """
        domain, label = np.asarray(list(domain), str), np.asarray(list(label), str)
        names = tuple(dict.fromkeys(domain.tolist()))
        labels, cluster = np.unique(label, return_inverse=True)
        fit = (fractions(labels, "separability") < fit_share)[cluster]
        place = np.array([names.index(name) for name in domain], np.intp)
        return cls(names, place, cluster.astype(np.intp), fit)

    def too_few(self) -> str:
        """Why no classifier can be fitted and tested; empty where one can."""
        for side, part in (("fit", self.fit), ("test", ~self.fit)):
            for place, name in enumerate(self.domains):
                found = len(np.unique(self.cluster[part & (self.domain == place)]))
                if found < 2:
                    return f"{found} identities or classes of {name} on the {side} side, 2 are needed"
        return ""

    def shuffled(self, rng: np.random.Generator) -> Images:
        """Give the clusters of each side the domains of one another."""
        group = self.cluster * len(self.domains) + self.domain
        domain = self.domain.copy()
        for side in (self.fit, ~self.fit):
            groups, first, index = np.unique(group[side], return_index=True, return_inverse=True)
            domain[side] = rng.permutation(self.domain[side][first])[index]
        return Images(self.domains, domain, self.cluster, self.fit)


def domain_scores(features: NDArray[np.floating], images: Images, penalty: float) -> Doubles:
    """Score of every domain for the test images, `(n_test, domains)`, by logistic regression on the fit images.

    Args:
        features: `(n, f)`, standardised here by the fit images.
        images: their domains and sides.
        penalty: C, the inverse strength of the L2 penalty.
    """
    from sklearn.linear_model import LogisticRegression

    standard = _standardised(features, images.fit)
    model = LogisticRegression(C=penalty, class_weight="balanced", max_iter=_ITERATIONS)
    model.fit(standard[images.fit], images.domain[images.fit])
    scores = model.decision_function(standard[~images.fit])
    return np.column_stack([-scores / 2, scores / 2]) if scores.ndim == 1 else scores


def without_statistics(
    vectors: NDArray[np.floating], statistics: Doubles, fit: NDArray[np.bool_]
) -> Doubles:
    """Regress image statistics and their squares out of embeddings, by a regression on the fit images.

    Args:
        vectors: `(n, d)`.
        statistics: `(n, s)`.
        fit: `(n,)` bool, the images that the regression is fitted on.

    Returns:
        `(n, d)` residuals.
    """
    design = np.column_stack([np.ones(len(fit)), with_squares(statistics, fit)])
    weights = np.linalg.lstsq(design[fit], vectors[fit].astype(np.float64), rcond=None)[0]
    return vectors - design @ weights


def with_squares(statistics: Doubles, fit: NDArray[np.bool_]) -> Doubles:
    """Statistics, standardised by the fit images, and their squares: `(n, 2 s)`."""
    standard = _standardised(statistics, fit)
    return np.column_stack([standard, standard**2])


def separability(
    features: NDArray[np.floating],
    images: Images,
    penalty: float,
    resamples: int,
    rng: np.random.Generator,
    *,
    confusion: bool = False,
) -> list[Measure]:
    """Accuracy and pairwise AUC of a linear classifier of the domain, with intervals that resample clusters.

    Args:
        features: `(n, f)`.
        images: their domains, clusters and sides.
        penalty: C, the inverse strength of the L2 penalty.
        resamples: Number of resamples, at least 40.
        rng: Source of randomness.
        confusion: give the share of each domain that is taken for each, too.

    Returns:
        `accuracy`, the mean over domains of the share of test images that are recognised; `AUC a|b` by the
        difference of the scores of the two domains; with `confusion` the measures `a taken for b`. All are
        failed where a domain has fewer than 2 clusters on a side.
    """
    pairs = list(combinations(range(len(images.domains)), 2))
    why = images.too_few()
    if why:
        return [
            Measure.failed(name, int((~images.fit).sum()), "label", why, chance)
            for name, chance in _names(images.domains, pairs, confusion)
        ]
    scores = domain_scores(features, images, penalty)
    domain, cluster = images.domain[~images.fit], images.cluster[~images.fit]
    clusters, index = np.unique(cluster, return_inverse=True)
    weight = draw(len(clusters), resamples, rng).astype(np.float64)
    taken = np.eye(len(images.domains))[np.argmax(scores, axis=1)]
    found, spread = _confusion(taken, domain, index, weight)
    measures = [
        _measure("accuracy", np.trace(found) / len(found), np.trace(spread, axis1=1, axis2=2) / len(found),
                 len(clusters), len(domain), 1 / len(found))
    ]  # fmt: skip
    for a, b in pairs:
        here = (domain == a) | (domain == b)
        value, samples = _auc(
            (scores[:, a] - scores[:, b])[here], domain[here] == a, weight[:, index[here]]
        )
        number = len(np.unique(index[here]))
        metric = f"AUC {images.domains[a]}|{images.domains[b]}"
        measures.append(_measure(metric, value, samples, number, int(here.sum()), 0.5))
    for a, b in np.ndindex(found.shape) if confusion else ():
        number, n = len(np.unique(index[domain == a])), int((domain == a).sum())
        metric = f"{images.domains[a]} taken for {images.domains[b]}"
        measures.append(_measure(metric, found[a, b], spread[:, a, b], number, n, 1 / len(found)))
    return measures


def shuffled_accuracy(
    features: NDArray[np.floating],
    images: Images,
    penalty: float,
    shuffles: int,
    resamples: int,
    rng: np.random.Generator,
) -> Measure:
    """Accuracy, as of `separability`, where clusters have domains at random; mean over `shuffles` draws."""
    chance, n = 1 / len(images.domains), int((~images.fit).sum())
    if images.too_few():
        return Measure.failed("accuracy", n, "label", images.too_few(), chance)
    clusters, index = np.unique(images.cluster[~images.fit], return_inverse=True)
    weight = draw(len(clusters), resamples, rng).astype(np.float64)
    values, samples = [], []
    for _ in range(shuffles):
        other = images.shuffled(rng)
        taken = np.eye(len(images.domains))[
            np.argmax(domain_scores(features, other, penalty), axis=1)
        ]
        found, spread = _confusion(taken, other.domain[~images.fit], index, weight)
        values.append(np.trace(found) * chance)
        samples.append(np.trace(spread, axis1=1, axis2=2) * chance)
    spread = np.mean(samples, axis=0)
    return _measure("accuracy", float(np.mean(values)), spread, len(clusters), n, chance)


def _names(
    domains: Sequence[str], pairs: Sequence[tuple[int, int]], confusion: bool
) -> list[tuple[str, float]]:
    """Every metric with its value by chance."""
    chance = 1 / len(domains)
    names = [("accuracy", chance)]
    names += [(f"AUC {domains[a]}|{domains[b]}", 0.5) for a, b in pairs]
    return names + [(f"{a} taken for {b}", chance) for a in domains for b in domains if confusion]


def _measure(
    metric: str, value: float, samples: Doubles, clusters: int, n: int, chance: float
) -> Measure:
    try:
        ends = proportion_interval(float(value), samples, clusters)
    except TooFewClusters as reason:
        return Measure.failed(metric, n, "label", reason, chance)
    return Measure(metric, float(value), *ends, n, "label", chance=chance)


def _confusion(
    taken: Doubles, domain: Integers, cluster: Integers, weight: Doubles
) -> tuple[Doubles, Doubles]:
    """Share of each domain taken for each, `(k, k)`, and that of every resample, `(resamples, k, k)`."""
    domains, clusters = taken.shape[1], weight.shape[1]
    counts = np.zeros((clusters, domains, domains))
    np.add.at(counts, (cluster, domain), taken)
    summed = np.tensordot(weight, counts, axes=1)
    with np.errstate(invalid="ignore"):
        # A resample without a domain has no share of it: NaN, which the interval knows.
        return (
            counts.sum(axis=0) / counts.sum(axis=(0, 2))[:, None],
            summed / summed.sum(axis=2, keepdims=True),
        )


def _auc(
    scores: Doubles, positive: NDArray[np.bool_], weight: Doubles
) -> tuple[float, Doubles]:
    """Area under the ROC, ties counted as one half, in the data and in every resample.

    Args:
        scores: `(n,)`.
        positive: `(n,)` bool.
        weight: `(resamples, n)` how often each item was drawn.
    """
    order = np.argsort(scores, kind="stable")
    start = np.flatnonzero(np.append(True, np.diff(scores[order]) > 0))
    every = np.vstack([np.ones(len(scores)), weight])[:, order]
    above = np.add.reduceat(every * positive[order], start, axis=1)
    below = np.add.reduceat(every * ~positive[order], start, axis=1)
    won = (above * (np.cumsum(below, axis=1) - below / 2)).sum(axis=1)
    with np.errstate(invalid="ignore"):
        area = won / (above.sum(axis=1) * below.sum(axis=1))
    return float(area[0]), area[1:]


def _standardised(values: NDArray[np.floating], fit: NDArray[np.bool_]) -> Doubles:
    """Centre and scale by the fit rows; a column that is constant there is only centred."""
    values = np.asarray(values, np.float64)
    scale = values[fit].std(axis=0)
    return (values - values[fit].mean(axis=0)) / np.where(scale > 0, scale, 1.0)
