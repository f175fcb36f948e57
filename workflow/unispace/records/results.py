"""Tidy results: one row a number, with interval, n, protocol and origin."""

from __future__ import annotations

import pyarrow as pa

# Looks of an image that know nothing of its content; what each is stands in unispace.analysis.image_statistics.
IMAGE_STATISTICS = (
    "red_mean", "green_mean", "blue_mean",
    "red_deviation", "green_deviation", "blue_deviation",
    "contrast", "saturation", "sharpness", "high_frequencies", "border_contrast",
)  # fmt: skip

SCHEMA = pa.schema(
    [
        pa.field("study", pa.string(), nullable=False),
        pa.field("experiment", pa.string(), nullable=False),  # verification, identification, ...
        pa.field("model", pa.string()),  # backbone/curriculum/seedN; empty where it is a pair
        pa.field("source", pa.string()),  # of a map
        pa.field("target", pa.string()),  # of a map
        pa.field("method", pa.string()),  # of a map
        pa.field("fitted_on", pa.string()),  # data set that a map was fitted on
        pa.field("dataset", pa.string(), nullable=False),
        pa.field("protocol", pa.string(), nullable=False),
        pa.field("metric", pa.string(), nullable=False),
        pa.field("value", pa.float64()),  # empty where the cell failed
        pa.field("lower", pa.float64()),  # 95 % interval
        pa.field("upper", pa.float64()),
        pa.field("chance", pa.float64()),  # what scores without information would give, where known
        pa.field("n", pa.int64(), nullable=False),  # items behind the value
        pa.field("unit", pa.string(), nullable=False),  # what the interval resamples
        pa.field("seed", pa.int64()),
        pa.field("status", pa.string(), nullable=False),  # "ok" or "failed: why"
        pa.field("origin", pa.string(), nullable=False),  # hash of everything it came from
    ]
)

_EXACT = {
    "map": "a property of the fitted map",
    "permutation": "a p value, of permuted names",
    "tree": "a property of the dendrogram",
    "theory": "what theory expects",
}
_EXACT_METRICS = {"-SD": "a spread over splits"}


def without_resamples(unit: str, metric: str) -> str:
    """Why a number has itself as its interval, in words; empty where something is resampled.

    Args:
        unit: as in the column of `SCHEMA`.
        metric: likewise.

    Examples:
        >>> without_resamples("identity", "Rank-1")
        ''
        >>> without_resamples("split", "Rank-1-SD")
        'a spread over splits'
    """
    for ending, why in _EXACT_METRICS.items():
        if metric.endswith(ending):
            return why
    return _EXACT.get(unit, "")


CURVE_SCHEMA = pa.schema(
    [
        pa.field("experiment", pa.string(), nullable=False),
        pa.field("model", pa.string()),
        pa.field("source", pa.string()),
        pa.field("target", pa.string()),
        pa.field("method", pa.string()),
        pa.field("fitted_on", pa.string()),
        pa.field("dataset", pa.string(), nullable=False),
        pa.field("protocol", pa.string(), nullable=False),
        pa.field("x", pa.float64(), nullable=False),  # FMR of a ROC, rank of a CMC, FPIR
        pa.field("y", pa.float64(), nullable=False),  # TMR, share found, DIR
        pa.field("lower", pa.float64()),
        pa.field("upper", pa.float64()),
    ]
)

SAMPLES_SCHEMA = pa.schema(
    [
        pa.field("experiment", pa.string(), nullable=False),
        pa.field("model", pa.string(), nullable=False),
        pa.field("dataset", pa.string(), nullable=False),
        pa.field("protocol", pa.string(), nullable=False),
        pa.field("metric", pa.string(), nullable=False),
        pa.field("resample", pa.int32(), nullable=False),  # the same draw in all models, from 0
        pa.field("value", pa.float64()),  # empty where the metric does not exist in that resample
    ]
)

PAIR_SAMPLES_SCHEMA = pa.schema(
    [
        pa.field("experiment", pa.string(), nullable=False),
        pa.field("source", pa.string(), nullable=False),
        pa.field("target", pa.string(), nullable=False),
        pa.field("method", pa.string(), nullable=False),
        pa.field("fitted_on", pa.string(), nullable=False),
        pa.field("dataset", pa.string(), nullable=False),
        pa.field("protocol", pa.string(), nullable=False),
        pa.field("metric", pa.string(), nullable=False),
        # The metric of every resample, the same draws for all maps; NaN where it does not exist in one.
        pa.field("samples", pa.list_(pa.float32()), nullable=False),
    ]
)

MEASURED_PAIRS_SCHEMA = SCHEMA.append(pa.field("samples", pa.list_(pa.float32())))
"""Tidy rows of maps with the metric of every resample, empty where there is none."""

VIEW_SCHEMA = pa.schema(
    [
        pa.field("model", pa.string(), nullable=False),
        pa.field("dataset", pa.string(), nullable=False),
        pa.field("image_id", pa.string(), nullable=False),
        pa.field("domain", pa.string(), nullable=False),
        pa.field("label", pa.string(), nullable=False),
        pa.field("x", pa.float64(), nullable=False),
        pa.field("y", pa.float64(), nullable=False),
    ]
)

RETRIEVAL_SCHEMA = pa.schema(
    [
        pa.field("fitted_on", pa.string(), nullable=False),
        pa.field("dataset", pa.string(), nullable=False),
        pa.field("source", pa.string(), nullable=False),
        pa.field("target", pa.string(), nullable=False),
        pa.field("method", pa.string(), nullable=False),
        pa.field("query", pa.string(), nullable=False),  # its image
        pa.field("gallery", pa.int64(), nullable=False),  # its entries: all other test images
        pa.field("found", pa.int64()),  # entries of the list that are of its identity
        pa.field("findable", pa.int64(), nullable=False),  # how many could be
        pa.field("rank", pa.int64(), nullable=False),  # from 1; 0 is the query itself
        pa.field("image_id", pa.string(), nullable=False),
        pa.field("identity", pa.string(), nullable=False),
        pa.field("score", pa.float64()),  # cosine; empty of the query
        pa.field("correct", pa.bool_(), nullable=False),  # of the identity of the query
        # The image made small, as a PNG file; empty where the data set has no images.
        pa.field("picture", pa.binary()),
        pa.field("status", pa.string(), nullable=False),  # "ok" or "failed: why", then rank 0 alone
    ]
)

MAP_VIEW_SCHEMA = pa.schema(
    [
        pa.field("fitted_on", pa.string(), nullable=False),
        pa.field("dataset", pa.string(), nullable=False),
        pa.field("source", pa.string(), nullable=False),
        pa.field("target", pa.string(), nullable=False),
        pa.field("method", pa.string(), nullable=False),
        pa.field("projection", pa.string(), nullable=False),  # t-SNE or PCA
        pa.field("space", pa.string(), nullable=False),  # source, after the map, or target
        pa.field("image_id", pa.string(), nullable=False),
        pa.field("identity", pa.string(), nullable=False),
        pa.field("x", pa.float64()),  # empty where the map failed
        pa.field("y", pa.float64()),
        pa.field("status", pa.string(), nullable=False),
    ]
)

LINKAGE_SCHEMA = pa.schema(
    [
        pa.field("fitted_on", pa.string(), nullable=False),
        pa.field("dataset", pa.string(), nullable=False),
        pa.field("method", pa.string(), nullable=False),
        pa.field("protocol", pa.string(), nullable=False),
        pa.field("metric", pa.string(), nullable=False),  # models are at 1 - its mean of both ways
        pa.field("step", pa.int64(), nullable=False),  # of the clustering, from 0
        # What is joined: number of a model in the order of the study, or m + step of an earlier join.
        pa.field("left", pa.int64(), nullable=False),
        pa.field("right", pa.int64(), nullable=False),
        pa.field("distance", pa.float64(), nullable=False),
        pa.field("size", pa.int64(), nullable=False),  # models below
        # Their names, neighbours as near as the tree allows; of the last step the order of all leaves.
        pa.field("leaves", pa.list_(pa.string()), nullable=False),
    ]
)

ASYMMETRY_SCHEMA = pa.schema(
    [
        pa.field("fitted_on", pa.string(), nullable=False),
        pa.field("dataset", pa.string(), nullable=False),
        pa.field("method", pa.string(), nullable=False),
        pa.field("protocol", pa.string(), nullable=False),
        pa.field("metric", pa.string(), nullable=False),
        pa.field("first", pa.string(), nullable=False),
        pa.field("second", pa.string(), nullable=False),
        pa.field("forward", pa.float64(), nullable=False),  # from the first to the second
        pa.field("backward", pa.float64(), nullable=False),
        pa.field("difference", pa.float64(), nullable=False),  # forward - backward
        pa.field("lower", pa.float64()),  # of it; empty without resamples
        pa.field("upper", pa.float64()),
        pa.field("asymmetry", pa.float64(), nullable=False),  # its absolute value
        pa.field("gap", pa.int64(), nullable=False),  # of the dimensions of the two spaces
    ]
)

GEOMETRY_SCHEMA = pa.schema(
    [
        pa.field("fitted_on", pa.string(), nullable=False),
        pa.field("dataset", pa.string(), nullable=False),
        pa.field("source", pa.string(), nullable=False),
        pa.field("target", pa.string(), nullable=False),
        pa.field("method", pa.string(), nullable=False),
        pa.field("component", pa.int64(), nullable=False),  # from 1; 0 alone where a model failed
        # The singular value of the map with this number; empty beyond the narrower space and without a matrix.
        pa.field("singular", pa.float64()),
        # Of the target along its principal component with this number, and the share that the map leaves of it.
        pa.field("variance", pa.float64()),
        pa.field("unexplained", pa.float64()),
        pa.field("status", pa.string(), nullable=False),  # "ok" or "failed: why"
    ]
)

# What curves of maps over seeds say of each point, behind what names it.
_BAND = (
    pa.field("metric", pa.string(), nullable=False),
    pa.field("value", pa.float64()),  # mean over seeds; empty where it failed
    pa.field("std", pa.float64()),  # of the population of seeds
    pa.field("lower", pa.float64()),  # Student's 95 % interval of the mean over seeds
    pa.field("upper", pa.float64()),
    pa.field("chance", pa.float64()),  # mean over seeds
    pa.field("n", pa.int64(), nullable=False),  # items behind the value of a seed, the fewest
    pa.field("seeds", pa.int64(), nullable=False),  # how many
    pa.field("varies", pa.string(), nullable=False),  # what they draw
    pa.field("status", pa.string(), nullable=False),
)

EFFICIENCY_SCHEMA = pa.schema(
    [
        pa.field("dataset", pa.string(), nullable=False),
        pa.field("source", pa.string(), nullable=False),
        pa.field("target", pa.string(), nullable=False),
        pa.field("dimension", pa.int64(), nullable=False),  # of the source
        pa.field(
            "method", pa.string(), nullable=False
        ),  # a map, baseline, or same-model: the ceiling
        pa.field("by", pa.string(), nullable=False),  # what sizes count: identities or images
        pa.field("size", pa.int64(), nullable=False),  # how many a map was fitted on
        pa.field("identities", pa.float64()),  # these were, mean over seeds
        pa.field("images", pa.float64()),
        pa.field("protocol", pa.string(), nullable=False),
        *_BAND,
    ]
)

LEAKS_SCHEMA = pa.schema(
    [
        pa.field("dataset", pa.string(), nullable=False),
        pa.field("source", pa.string(), nullable=False),  # model of the first database
        pa.field("target", pa.string(), nullable=False),  # of the second
        pa.field("dimension", pa.int64(), nullable=False),  # of the source
        pa.field("method", pa.string(), nullable=False),  # baseline where nothing leaked
        pa.field("secret", pa.bool_(), nullable=False),  # whether each was rotated in secret
        pa.field("leaked", pa.int64(), nullable=False),  # pairs
        pa.field("identities", pa.float64()),  # whom they show, mean over seeds
        *_BAND,
    ]
)

STATISTICS_SCHEMA = pa.schema(
    [
        pa.field("image_id", pa.string(), nullable=False),
        *(pa.field(name, pa.float64(), nullable=False) for name in IMAGE_STATISTICS),
    ]
)

PCA_SCHEMA = pa.schema(
    [
        pa.field("model", pa.string(), nullable=False),
        pa.field(
            "basis", pa.string(), nullable=False
        ),  # components, removed, unrelated, random, none
        pa.field(
            "source", pa.string()
        ),  # whose components; empty of random ones and of the space as it is
        pa.field("target", pa.string(), nullable=False),  # which is tested
        pa.field(
            "centring", pa.string(), nullable=False
        ),  # whose mean is subtracted: source, target, none
        pa.field("components", pa.int64(), nullable=False),  # directions that are kept
        pa.field("removed", pa.int64(), nullable=False),  # first directions that are not
        pa.field("metric", pa.string(), nullable=False),  # of the target's task
        pa.field("value", pa.float64()),  # empty where the target could not be tested
        pa.field("lower", pa.float64()),  # 95 % interval
        pa.field("upper", pa.float64()),
        pa.field("chance", pa.float64()),
        pa.field("kept", pa.float64()),  # value / value of the whole space with the same centring
        pa.field("kept_lower", pa.float64()),
        pa.field("kept_upper", pa.float64()),
        pa.field("gain", pa.float64()),  # the same of what exceeds chance; empty where nothing does
        pa.field("gain_lower", pa.float64()),
        pa.field("gain_upper", pa.float64()),
        pa.field("n", pa.int64(), nullable=False),
        pa.field("unit", pa.string(), nullable=False),
        pa.field("status", pa.string(), nullable=False),  # of the gain: "ok" or "failed: why"
    ]
)

PCA_NUMBERS_SCHEMA = pa.schema(
    [
        pa.field("model", pa.string(), nullable=False),
        pa.field("basis", pa.string(), nullable=False),
        pa.field("source", pa.string()),
        pa.field("target", pa.string(), nullable=False),
        pa.field("centring", pa.string(), nullable=False),
        pa.field("metric", pa.string(), nullable=False),
        pa.field("measure", pa.string(), nullable=False),  # value, or gain over chance
        pa.field("share", pa.float64(), nullable=False),  # that is to be kept
        pa.field("components", pa.float64()),  # smallest measured number from which on it is kept
        pa.field("lower", pa.float64()),
        pa.field("upper", pa.float64()),
        pa.field("dimension", pa.int64(), nullable=False),  # of the whole space
        pa.field("status", pa.string(), nullable=False),
    ]
)
