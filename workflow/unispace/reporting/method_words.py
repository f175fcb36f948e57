"""What each method of maps does, in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_KINDS = {
    "baseline": "unaligned, nothing fitted",
    "procrustes": "the closest rotation or reflection",
    "linear": "least squares of minimum norm",
    "ridge": "least squares with a penalty on the size of the map",
    "whitened-procrustes": "the closest rotation of the whitened spaces, taken back to the scales of the target",
    "cca": "canonical correlation analysis: both spaces in the directions that agree most",
    "orthogonal-gradient": "the closest rotation, by gradients from the identity",
    "quadratic": "penalised least squares on coordinates and their products, a non-linear ceiling",
    "mlp": "a small multi-layer perceptron, a non-linear ceiling",
    "random-orthogonal": "control: a rotation drawn at random",
    "shuffled": "control: a map fitted on pairs that do not belong together",
    "mean-only": "control: the mean is moved, nothing else",
}
# What is said only where it is not the common choice.
_ASIDE = {
    ("fit_on", "other-images"): "fitted on two different images of one identity",
    ("fit_on", "centroids"): "fitted on the means of identities",
    ("centre", False): "not centred",
    ("intercept", True): "with an intercept",
    ("add_target_mean", True): "the mean of the target is added",
    ("mismatch", "pca"): "the wider space is brought to its first components",
    ("mismatch", "truncate"): "the wider space is cut",
    ("reflections", False): "without reflections",
    ("scale", True): "with a scale",
}
_AMOUNTS = {
    "alpha": "alpha", "components": "components", "shrinkage": "shrinkage", "width": "width",
    "layers": "layers", "epochs": "epochs",
}  # fmt: skip


def method_in_words(name: str, settings: Mapping[str, Any]) -> str:
    """What a method does, and what of it is not the common choice.

    Args:
        name: of the method.
        settings: of it, as JSON; without `kind`, the name is the kind.
    """
    kind = settings.get("kind", name)
    said = [_KINDS.get(kind, f"a map of kind {kind}")]
    if isinstance(settings.get("of"), Mapping):
        said.append(f"here {settings['of']['kind']}")
    for key, label in _AMOUNTS.items():
        value = settings.get(key)
        if isinstance(value, list):
            choice = ", ".join(f"{v:g}" for v in value)
            said.append(f"{label} chosen among {choice} on identities held out of the fit")
        elif value is not None:
            said.append(f"{label} {value:g}")
    said += [words for (key, value), words in _ASIDE.items() if settings.get(key) == value]
    return "; ".join(said)
