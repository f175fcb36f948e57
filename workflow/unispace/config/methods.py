"""The kinds of maps between embedding spaces, and what can be set of each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Discriminator, Field, Tag, model_validator

from unispace.config.base import Name, Settings

BASELINE = "baseline"
"""What the comparison without a map is called wherever it stands beside maps."""
CEILING = "same-model"
"""What stands as method where probe and gallery are of one model: the ceiling of what a map into it can reach."""

Penalty = Annotated[float, Field(gt=0)]


def _one_or_several(value: Any) -> str:
    return "several" if isinstance(value, list | tuple) else "one"


def _rising(values: tuple[float, ...]) -> tuple[float, ...]:
    if list(values) != sorted(set(values)):
        raise ValueError(f"write the penalties once each and rising, got {list(values)}")
    return values


Penalties = Annotated[
    Annotated[Penalty, Tag("one")]
    | Annotated[tuple[Penalty, ...], Field(min_length=2), AfterValidator(_rising), Tag("several")],
    Discriminator(_one_or_several),
]
"""One penalty, or several to choose from."""


class Placed(Settings):
    """How two spaces are laid over each other before a map."""

    centre: bool = True
    """Whether the mean of the fit rows is taken from each space; test images lose the same means."""
    add_target_mean: bool = False
    """Whether mapped vectors get the mean of the target back and meet target vectors as they are, not centred."""
    mismatch: Literal["pad", "pca", "truncate"] = "pad"
    """What is done where dimensions differ. `pad`: zeros on the right of the narrower one; `pca`: the wider one is
    brought to its first principal components; `truncate`: to its first coordinates."""

    @model_validator(mode="after")
    def _mean_that_was_taken(self) -> Placed:
        if self.add_target_mean and not self.centre:
            raise ValueError(
                "`add_target_mean: true` gives back the mean that `centre: true` takes; set both, or neither"
            )
        return self


class Fitted(Placed):
    """What can be set of every map that is fitted on pairs of rows."""

    fit_on: Literal["images", "other-images", "centroids"] = "images"
    """Which rows are pairs. `images`: one image in both spaces (paper); `other-images`: two images of one identity,
    so that nothing of the image itself is carried over; `centroids`: the means of an identity in both."""
    intercept: bool = False
    """Whether a constant is fitted with the map, without a penalty; for spaces that are not centred."""

    @model_validator(mode="after")
    def _intercept_that_is_not_zero(self) -> Fitted:
        if self.intercept and self.centre:
            raise ValueError(
                "`intercept: true` goes with `centre: false`: between centred spaces the best constant is zero"
            )
        return self


class Penalised(Fitted):
    """Least squares with a penalty on the size of the map."""

    alpha: Penalties = 0.1
    """Penalty on the squared Frobenius norm (paper: 0.1), or a rising list, of which the best for identities of the
    fit split that are held out in turn is taken."""
    folds: Annotated[int, Field(ge=2)] | None = None
    """Parts in which the identities of the fit split are held out in turn to choose among several penalties; left
    out: 5."""

    @property
    def fold_count(self) -> int:
        """Folds of the choice."""
        return self.folds or 5

    @model_validator(mode="after")
    def _folds_of_a_choice(self) -> Penalised:
        if self.folds is not None and not isinstance(self.alpha, tuple):
            alpha = self.alpha
            raise ValueError(
                f"`folds` choose among several penalties; write `alpha: [{alpha:g}, {10 * alpha:g}]`, or leave folds out"
            )
        return self


class Baseline(Placed):
    """Unaligned: centred and brought to one width, nothing fitted."""

    kind: Literal["baseline"] = "baseline"
    """`baseline`"""


class MeanOnly(Settings):
    """Control: the source is moved to the mean of the target, nothing else; compared with targets as they are."""

    kind: Literal["mean-only"] = "mean-only"
    """`mean-only`"""
    mismatch: Literal["pad", "pca", "truncate"] = "pad"
    """What is done where dimensions differ."""


class RandomOrthogonal(Placed):
    """Control: a random rotation or reflection, drawn by seed."""

    kind: Literal["random-orthogonal"] = "random-orthogonal"
    """`random-orthogonal`"""


class Procrustes(Fitted):
    """Closest rotation."""

    kind: Literal["procrustes"] = "procrustes"
    """`procrustes`"""
    scale: bool = False
    """Whether the best factor is applied too. Cosines of centred vectors do not see it; with the mean of the target
    added they do."""
    reflections: bool = True
    """Whether reflections are allowed too (paper)."""


class Linear(Fitted):
    """Least squares of minimum norm."""

    kind: Literal["linear"] = "linear"
    """`linear`"""


class Ridge(Penalised):
    """Penalised least squares."""

    kind: Literal["ridge"] = "ridge"
    """`ridge`"""


class WhitenedProcrustes(Fitted):
    """Closest rotation of the whitened spaces, taken back to the scales of the target."""

    kind: Literal["whitened-procrustes"] = "whitened-procrustes"
    """`whitened-procrustes`"""
    shrinkage: Annotated[float, Field(ge=0, le=1)] = 0.1
    """Share of the mean variance that is mixed into each variance; 0 whitens fully, 1 is plain Procrustes on the
    directions that the fit rows span."""


class Cca(Settings):
    """Canonical correlation analysis: both spaces are brought to the directions that agree most."""

    kind: Literal["cca"] = "cca"
    """`cca`"""
    fit_on: Literal["images", "other-images", "centroids"] = "images"
    """Which rows are pairs, as for the other maps. CCA always centres."""
    components: Annotated[int, Field(ge=1)] | None = 50
    """How many canonical directions are kept (paper: at most 50); `null` for all. Where the fit rows span fewer, all of them."""
    shrinkage: Annotated[float, Field(ge=0, le=1)] = 0.0
    """Share of the mean variance that is mixed into each variance; for few rows, where 0 finds correlations of 1
    between anything."""


class OrthogonalGradient(Fitted):
    """Closest rotation by conjugate gradients from the identity; directions that no fit row shows stay as they are."""

    kind: Literal["orthogonal-gradient"] = "orthogonal-gradient"
    """`orthogonal-gradient`"""
    steps: Annotated[int, Field(ge=1)] = 500
    """Most steps."""
    tolerance: Annotated[float, Field(gt=0, lt=1)] = 1e-6
    """It ends where the gradient is shorter than this share of the cross-covariance."""
    reflections: bool = True
    """Whether it starts from a reflection where the fit rows ask for one."""


class Quadratic(Penalised):
    """Ceiling: penalised least squares on the coordinates and the products of pairs of principal components."""

    kind: Literal["quadratic"] = "quadratic"
    """`quadratic`"""
    components: Annotated[int, Field(ge=1)] = 32
    """Principal components of the source whose products are taken; k of them give k (k + 1) / 2 products."""


class Mlp(Fitted):
    """Ceiling: a small multi-layer perceptron with ReLU, trained by Adam on the squared error."""

    kind: Literal["mlp"] = "mlp"
    """`mlp`"""
    width: Annotated[int, Field(ge=1)] = 512
    """Units of each hidden layer (paper: 512)."""
    layers: Annotated[int, Field(ge=1, le=8)] = 2
    """Hidden layers (paper: 2)."""
    epochs: Annotated[int, Field(ge=1)] = 50
    """Passes over the fit rows (paper: 50)."""
    batch_size: Annotated[int, Field(ge=1)] = 256
    """Rows of a step (paper: 256)."""
    learning_rate: Annotated[float, Field(gt=0, le=1)] = 1e-3
    """Learning rate of Adam (paper: 0.001)."""
    weight_decay: Annotated[float, Field(ge=0)] = 1e-4
    """Penalty on the squared weights. (The paper has dropout 0.1 in its place.)"""


FittedMethod = (
    Procrustes | Linear | Ridge | WhitenedProcrustes | Cca | OrthogonalGradient | Quadratic | Mlp
)


def _kind_alone(value: Any) -> Any:
    """`of: ridge` is short for `of: { kind: ridge }`."""
    return {"kind": value} if isinstance(value, str) else value


class Shuffled(Settings):
    """Control: the target rows are shuffled, then a map is fitted as if they were pairs."""

    kind: Literal["shuffled"] = "shuffled"
    """`shuffled`"""
    of: Annotated[
        FittedMethod,
        Field(discriminator="kind"),
        BeforeValidator(_kind_alone),
    ] = Procrustes()
    """The map that is fitted then: a kind, or a block with its `kind` and settings."""


Method = Annotated[
    Baseline | MeanOnly | RandomOrthogonal | FittedMethod | Shuffled, Field(discriminator="kind")
]
"""A map and its settings."""


def asks_who_is_who(method: Method) -> bool:
    """Whether a map cannot be fitted without knowing the identities of the images."""
    fitted = method.of if isinstance(method, Shuffled) else method
    rows = fitted.fit_on if isinstance(fitted, Fitted | Cca) else "images"
    several = isinstance(fitted, Penalised) and isinstance(fitted.alpha, tuple)
    return rows != "images" or several


KINDS: tuple[str, ...] = (
    "baseline",
    "mean-only",
    "random-orthogonal",
    "shuffled",
    "procrustes",
    "orthogonal-gradient",
    "whitened-procrustes",
    "cca",
    "linear",
    "ridge",
    "quadratic",
    "mlp",
)
"""All kinds, from the controls to the freest."""


def _with_kinds(methods: Any) -> Any:
    """A method that is called as a kind is of that kind, unless it says otherwise."""
    if not isinstance(methods, Mapping):
        return methods
    if CEILING in methods:
        raise ValueError(
            f"`{CEILING}` is the name of a model's own vectors in the results, which are always there; call the map "
            f"otherwise"
        )
    named: dict[Any, Any] = {}
    for name, settings in methods.items():
        short = isinstance(settings, Mapping) and "kind" not in settings and name in KINDS
        named[name] = {"kind": name, **settings} if short else settings
    return named


def _any_of(schema: dict[str, Any]) -> None:
    """Editors: `procrustes: {}` fits several kinds, since the name says which one it is."""
    for values in schema["patternProperties"].values():
        values["anyOf"] = values.pop("oneOf")


Methods = Annotated[
    dict[Name, Method], BeforeValidator(_with_kinds), Field(json_schema_extra=_any_of)
]
"""Maps by names of one's own."""
