"""Linear separability: is the domain of an image written in its embedding, and is that more than its looks?

The classifier is a multinomial logistic regression, fitted on some identities and classes and tested on others,
with every domain of equal weight. Three controls stand beside it.

- *Shuffled*: every identity and class gets a domain at random. The classifier must then be at chance; it could
  only be better if it knew tested identities. Source: J. Hewitt and P. Liang, "Designing and interpreting probes
  with control tasks", EMNLP 2019.
- *Statistics*: image statistics alone, without any model.
- *Matched*: images count by overlap weights, under which image statistics are alike in all domains: what is odd
  for its domain counts much, what no other domain could show counts nothing. Sources: F. Li, K. Morgan and
  A. Zaslavsky, "Balancing covariates via propensity score weighting", JASA 2018; for several groups F. Li and F. Li,
  Annals of Applied Statistics 2019. Whether it worked is measured: statistics alone, under the same weights, must
  be near chance. Statistics are not regressed out of the embedding, since that writes them into an embedding that
  did not hold them: S. Hamdan et al., "Confound-leakage", GigaScience 2023.
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
_EFFECTIVE = 10
"""Effective images of a domain that matched statistics must leave."""


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
                    return (
                        f"{found} identities or classes of {name} on the {side} side, 2 are needed"
                    )
        return ""

    def of_domains(self, places: Sequence[int]) -> tuple[Images, NDArray[np.bool_]]:
        """The images of some domains alone, and `(n,)` which they are."""
        here = np.isin(self.domain, places)
        names = tuple(self.domains[place] for place in places)
        domain = np.searchsorted(np.asarray(places), self.domain[here])
        return Images(names, domain, self.cluster[here], self.fit[here]), here

    def shuffled(self, rng: np.random.Generator) -> Images:
        """Give the clusters of each side the domains of one another.

        A cluster that is on both sides, against the rule, keeps one domain on both, so that it shows.
        """
        group = self.cluster * len(self.domains) + self.domain
        domain = self.domain.copy()
        fitted = np.isin(self.cluster, self.cluster[self.fit])
        tested = np.isin(self.cluster, self.cluster[~self.fit])
        for side in (fitted & ~tested, tested & ~fitted, fitted & tested):
            _, first, index = np.unique(group[side], return_index=True, return_inverse=True)
            domain[side] = rng.permutation(self.domain[side][first])[index]
        return Images(self.domains, domain, self.cluster, self.fit)


def domain_scores(
    features: NDArray[np.floating], images: Images, penalty: float, weight: Doubles | None = None
) -> Doubles:
    """Score of every domain for all images, `(n, domains)`, by logistic regression on the fit images.

    Args:
        features: `(n, f)`, standardised here by the fit images.
        images: their domains and sides.
        penalty: C, the inverse strength of the L2 penalty.
        weight: `(n,)` of each image, once by default; every domain has the same weight in all.
    """
    from sklearn.linear_model import LogisticRegression

    fit, domain = images.fit, images.domain[images.fit]
    weight = np.ones(len(domain)) if weight is None else weight[fit]
    share = np.bincount(domain, weight)[domain] * len(images.domains) / len(domain)
    standard = _standardised(features, fit)
    model = LogisticRegression(C=penalty, max_iter=_ITERATIONS)
    model.fit(standard[fit], domain, sample_weight=weight / share)
    scores = model.decision_function(standard)
    return np.column_stack([-scores / 2, scores / 2]) if scores.ndim == 1 else scores


def overlap_weights(statistics: Doubles, images: Images, penalty: float) -> Doubles:
    """Weights under which image statistics are alike in all domains, `(n,)` in (0, 1).

    With e_k the probability of domain k given the statistics and their squares, an image of domain j weighs
    (1 / e_j) / sum_k (1 / e_k). Probabilities are those of a logistic regression on all images, fitted and tested:
    they are what is balanced, and no embedding is looked at.

    Args:
        statistics: `(n, s)`.
        images: their domains.
        penalty: C, the inverse strength of the L2 penalty.
    """
    every = np.ones(len(statistics), bool)
    alone = Images(images.domains, images.domain, images.cluster, every)
    scores = domain_scores(with_squares(statistics, every), alone, penalty)
    # 1 / e_k is exp(-score_k) up to a factor that all k share.
    rarity = np.exp(scores.min(axis=1, keepdims=True) - scores)
    return rarity[np.arange(len(scores)), images.domain] / rarity.sum(axis=1)


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
    scores = domain_scores(features, images, penalty)[~images.fit]
    test = _Test.of(images, draw_for(images, resamples, rng))
    measures = [test.accuracy(scores), *(test.area(scores, a, b) for a, b in pairs)]
    return [*measures, *(test.confusion(scores) if confusion else ())]


def matched_separability(
    features: NDArray[np.floating],
    statistics: Doubles,
    images: Images,
    penalty: float,
    resamples: int,
    rng: np.random.Generator,
) -> list[Measure]:
    """`separability` among images whose statistics are alike, by overlap weights in fitting and in testing.

    Accuracy rests on the images that any of the domains could show; each AUC on those that either of its two
    could, by weights and a classifier of its own.

    Args:
        features: `(n, f)`.
        statistics: `(n, s)`.
        images: their domains, clusters and sides.
        penalty: C, the inverse strength of the L2 penalty.
        resamples: Number of resamples, at least 40.
        rng: Source of randomness.

    Returns:
        Measures as of `separability`, n: the effective number of test images. A measure is failed where that of
        a domain is below 10 on either side.
    """
    pairs = list(combinations(range(len(images.domains)), 2))
    drawn = draw_for(images, resamples, rng) if not images.too_few() else None
    measures = []
    for places, (metric, chance) in zip(
        [tuple(range(len(images.domains))), *pairs],
        _names(images.domains, pairs, False),
        strict=True,
    ):
        part, here = images.of_domains(places)
        if drawn is None or part.too_few():
            n = int((~part.fit).sum())
            measures.append(Measure.failed(metric, n, "label", images.too_few(), chance))
            continue
        weight = overlap_weights(statistics[here], part, penalty)
        effective = {
            side: [
                _effective(weight[chosen & (part.domain == k)], len(places))
                for k in range(len(places))
            ]
            for side, chosen in (("fit", part.fit), ("test", ~part.fit))
        }
        n = round(_effective(weight[~part.fit], len(places)))
        least, side, k = min(
            (e, side, k) for side, es in effective.items() for k, e in enumerate(es)
        )
        if least < _EFFECTIVE:
            why = (
                f"image statistics overlap too little: {least:.1f} effective images of "
                f"{part.domains[k]} on the {side} side, {_EFFECTIVE} are needed"
            )
            measures.append(Measure.failed(metric, n, "label", why, chance))
            continue
        scores = domain_scores(features[here], part, penalty, weight)[~part.fit]
        test = _Test.of(part, drawn, weight[~part.fit], n)
        measures.append(test.accuracy(scores) if metric == "accuracy" else test.area(scores, 0, 1))
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
    drawn = draw_for(images, resamples, rng)
    values, samples = [], []
    for _ in range(shuffles):
        other = images.shuffled(rng)
        scores = domain_scores(features, other, penalty)[~images.fit]
        value, spread = _Test.of(other, drawn).recall(scores)
        values.append(value)
        samples.append(spread)
    clusters = len(np.unique(images.cluster[~images.fit]))
    return _measure(
        "accuracy", float(np.mean(values)), np.mean(samples, axis=0), clusters, n, chance
    )


def draw_for(images: Images, resamples: int, rng: np.random.Generator) -> Doubles:
    """How often each cluster is drawn in each resample, `(resamples, all clusters)`; 0 on the fit side."""
    clusters = np.unique(images.cluster[~images.fit])
    drawn = np.zeros((resamples, int(images.cluster.max()) + 1))
    drawn[:, clusters] = draw(len(clusters), resamples, rng)
    return drawn


@dataclass(frozen=True, eq=False)
class _Test:
    """The tested images.

    Attributes:
        domains: names of the domains.
        domain, cluster: `(n,)` of each image.
        weight: `(n,)` of each image.
        drawn: `(resamples, all clusters)`.
        n: what is given as the number of images.
    """

    domains: tuple[str, ...]
    domain: NDArray[np.intp]
    cluster: NDArray[np.intp]
    weight: Doubles
    drawn: Doubles
    n: int | None

    @classmethod
    def of(
        cls, images: Images, drawn: Doubles, weight: Doubles | None = None, n: int | None = None
    ) -> _Test:
        """The test side; images weigh the same by default."""
        test = ~images.fit
        weight = np.ones(int(test.sum())) if weight is None else weight
        return cls(images.domains, images.domain[test], images.cluster[test], weight, drawn, n)

    def recall(self, scores: Doubles) -> tuple[float, Doubles]:
        """Mean over domains of the share that is recognised, and that of every resample."""
        found, spread = self._shares(scores)
        many = len(self.domains)
        return float(np.trace(found) / many), np.trace(spread, axis1=1, axis2=2) / many

    def accuracy(self, scores: Doubles) -> Measure:
        """As `recall`, with its interval."""
        value, spread = self.recall(scores)
        n = len(self.domain) if self.n is None else self.n
        clusters = len(np.unique(self.cluster))
        return _measure("accuracy", value, spread, clusters, n, 1 / len(self.domains))

    def area(self, scores: Doubles, a: int, b: int) -> Measure:
        """AUC of two domains by the difference of their scores."""
        here = (self.domain == a) | (self.domain == b)
        value, spread = _auc(
            (scores[:, a] - scores[:, b])[here],
            self.domain[here] == a,
            self.weight[here],
            self.drawn[:, self.cluster[here]],
        )
        n = int(here.sum()) if self.n is None else self.n
        clusters = len(np.unique(self.cluster[here]))
        metric = f"AUC {self.domains[a]}|{self.domains[b]}"
        return _measure(metric, value, spread, clusters, n, 0.5)

    def confusion(self, scores: Doubles) -> list[Measure]:
        """The share of each domain that is taken for each."""
        found, spread = self._shares(scores)
        measures = []
        for a, b in np.ndindex(found.shape):
            of = self.domain == a
            metric = f"{self.domains[a]} taken for {self.domains[b]}"
            clusters, n = len(np.unique(self.cluster[of])), int(of.sum())
            value = float(found[a, b])
            measures.append(_measure(metric, value, spread[:, a, b], clusters, n, 1 / len(found)))
        return measures

    def _shares(self, scores: Doubles) -> tuple[Doubles, Doubles]:
        """Share of each domain taken for each, `(k, k)`, and that of every resample, `(resamples, k, k)`."""
        many = len(self.domains)
        counts = np.zeros((self.drawn.shape[1], many, many))
        np.add.at(counts, (self.cluster, self.domain, np.argmax(scores, axis=1)), self.weight)
        summed = np.tensordot(self.drawn, counts, axes=1)
        with np.errstate(invalid="ignore"):
            # A resample without a domain has no share of it: NaN, which the interval knows.
            return (
                counts.sum(axis=0) / counts.sum(axis=(0, 2))[:, None],
                summed / summed.sum(axis=2, keepdims=True),
            )


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


def _effective(weight: Doubles, domains: int) -> float:
    """Effective number of images: the fewer of two numbers.

    Kish's (L. Kish, "Survey sampling", 1965) says how unequal overlap weights are, but not that all of them are
    tiny because nothing overlaps. Their sum says so: it is 1 / domains for an image that any domain could show.
    """
    kish = float(weight.sum() ** 2 / np.square(weight).sum())
    return min(kish, domains * float(weight.sum()))


def _auc(
    scores: Doubles, positive: NDArray[np.bool_], weight: Doubles, drawn: Doubles
) -> tuple[float, Doubles]:
    """Area under the ROC, ties counted as one half, in the data and in every resample.

    Args:
        scores: `(n,)`.
        positive: `(n,)` bool.
        weight: `(n,)` of each item.
        drawn: `(resamples, n)` how often each was drawn.
    """
    order = np.argsort(scores, kind="stable")
    start = np.flatnonzero(np.append(True, np.diff(scores[order]) > 0))
    every = (np.vstack([np.ones(len(scores)), drawn]) * weight)[:, order]
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
