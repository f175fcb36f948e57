"""Which networks, with which weights, and how images reach them."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError, ValidationInfo, field_validator, model_validator

from unispace.config.base import Distinct, DistinctSome, Name, Settings, Sha256
from unispace.config.clips import clip_problems, known_clips, quick_gelu_problem, says_openai
from unispace.config.pretraining import Pretrain
from unispace.errors import did_you_mean

# Channel statistics of the pretraining that each family was published with.
NORMALISATIONS: dict[str, tuple[tuple[float, float, float], tuple[float, float, float]]] = {
    "clip": ((0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)),
    "imagenet": ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    "half": ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5)),
}


PIXELS = "pixels"
"""The architecture that is ours: coarse pixels and one linear layer, the control of every network."""


@cache
def known_architectures() -> frozenset[str]:
    """Names of the timm release in the lock, from a file so that timm need not be imported."""
    text = files("unispace.config").joinpath("architectures.txt").read_text("utf-8")
    return frozenset(text.split())


class FileWeights(Settings):
    """Weights from a safetensors file."""

    kind: Literal["file"]
    """`file`"""
    path: str
    """File, looked up below `UNISPACE_DATA` and the working folder."""
    sha256: Sha256
    """Checksum of the file."""
    seen: Distinct[Name] = ()
    """Sets of the registry that the weights were trained on, for the audit; what their name says need not be said."""


class HubWeights(Settings):
    """Weights from the Hugging Face hub."""

    kind: Literal["hub"]
    """`hub`"""
    repo: str
    """Repository, such as `timm/eva02_tiny_patch14_224.mim_in22k`."""
    revision: str
    """Commit, tag or branch; a commit is what stays the same."""
    filename: str = "model.safetensors"
    """File in the repository; safetensors only."""
    sha256: Sha256 | None = None
    """Checksum of the file; recorded at the first fetch where it is left out."""
    seen: Distinct[Name] = ()
    """Sets of the registry that the weights were trained on, for the audit; what their name says need not be said."""


class RandomWeights(Settings):
    """Untrained weights, as a control."""

    kind: Literal["random"]
    """`random`"""


Weights = Annotated[
    Pretrain | FileWeights | HubWeights | RandomWeights, Field(discriminator="kind")
]


class Preprocessing(Settings):
    """From a decoded image to the network's input; part of what identifies an embedding."""

    size: Annotated[int, Field(ge=16, le=1024)] = 64
    """Side of the square input in pixels."""
    interpolation: Literal["bilinear", "bicubic"] = "bicubic"
    """How images are resized, with anti-aliasing."""
    normalisation: Literal["clip", "imagenet", "half"] = "clip"
    """Channel mean and standard deviation."""
    colour_order: Literal["rgb", "bgr"] = "rgb"
    """Order of the channels that the network was trained with."""


class PixelOptions(Settings):
    """Options of the architecture `pixels`."""

    grid: Annotated[int, Field(ge=1, le=128)] = 16
    """Side of the grid of area averages that an image is reduced to; divides its size."""
    dimension: Annotated[int, Field(ge=2)] = 128
    """Length of the embeddings, at most the `3 * grid * grid` values of a reduced image."""


class Backbone(Settings):
    """An architecture and its weights before tuning."""

    provider: Literal["timm", "open_clip", "onnx", "python"] = "timm"
    """Whose architecture it is."""
    architecture: str
    """A timm model name, such as `eva02_tiny_patch14_224`; of provider `open_clip` one of its names, such as
    `ViT-B-16`; or `pixels`, the raw-pixel control: one linear layer."""
    options: dict[str, Any] = Field(default={})
    """Further arguments of `timm.create_model`, such as `depth`, `embed_dim`, `patch_size`; of `pixels`: `grid`
    (16, side of the grid that an image is averaged on) and `dimension` (128, of the embedding); of provider
    `open_clip`: changes of its config, such as `embed_dim`, `vision_cfg: { image_size, layers, width }`, `text_cfg:
    { context_length }`, and `vision_cfg.timm_options`, arguments of the timm model inside where there is one."""
    pooling: Literal["avg", "token", "attention"] = "avg"
    """Mean over patch tokens, the class token, or (towers of open_clip only) attention. Always stated, since families
    differ by default."""
    preprocessing: Preprocessing = Preprocessing()
    """How images reach the network."""
    weights: Weights
    """Where the weights come from."""
    curricula: DistinctSome[Name] | None = None
    """Curricula that it is tuned with, for a control that needs few of them; left out: all."""

    @field_validator("architecture")
    @classmethod
    def _known(cls, name: str, info: ValidationInfo) -> str:
        provider = info.data.get("provider")
        known = known_clips() if provider == "open_clip" else known_architectures() | {PIXELS}
        if provider in ("timm", "open_clip") and name not in known:
            raise ValueError(f"unknown backbone `{name}`: {did_you_mean(name, known)}")
        return name

    @model_validator(mode="after")
    def _clip(self) -> Backbone:
        if self.provider != "open_clip":
            if self.pooling == "attention":
                raise ValueError(
                    "pooling `attention` is that of towers of open_clip; write `avg` or `token`"
                )
            return self
        foreign = isinstance(self.weights, FileWeights | HubWeights)
        problems = clip_problems(
            self.architecture,
            self.options,
            self.pooling,
            self.preprocessing.size,
            self.preprocessing.normalisation if foreign else None,
        )
        if isinstance(self.weights, HubWeights):
            origin = f"{self.weights.repo}/{self.weights.filename}"
        else:
            origin = self.weights.path if isinstance(self.weights, FileWeights) else ""
        if not problems and says_openai(origin):
            wrong = quick_gelu_problem(self.architecture, self.options, origin)
            problems += [wrong] if wrong else []
        if problems:
            raise ValueError("; ".join(problems))
        return self

    @model_validator(mode="after")
    def _learns(self) -> Backbone:
        if isinstance(self.weights, Pretrain):
            captions = self.weights.objective == "contrastive"
            if captions and self.provider != "open_clip":
                raise ValueError(
                    "objective `contrastive` needs a text tower; write `provider: open_clip` and an architecture "
                    "such as `ViT-B-16`"
                )
            if self.provider == "open_clip" and not captions:
                raise ValueError(
                    f"objective `{self.weights.objective}` leaves the text tower untrained; a backbone of provider "
                    f"`open_clip` is pretrained with `contrastive`"
                )
        return self

    @model_validator(mode="after")
    def _pixels(self) -> Backbone:
        if self.architecture != PIXELS:
            return self
        problems = []
        try:
            options = PixelOptions.model_validate(self.options)
        except ValidationError as error:
            problems += [_option(dict(problem)) for problem in error.errors()]
        else:
            size, values = self.preprocessing.size, 3 * options.grid**2
            if size % options.grid:
                problems.append(
                    f"options.grid {options.grid} does not divide preprocessing.size {size}"
                )
            if options.dimension > values:
                problems.append(
                    f"options.dimension {options.dimension} is more than the {values} values of a "
                    f"{options.grid} x {options.grid} grid"
                )
        if self.pooling != "avg":
            problems.append(f"`{PIXELS}` has no class token; leave pooling out")
        if self.weights.kind != "random":
            problems.append(f"`{PIXELS}` is never pretrained; write `weights: {{ kind: random }}`")
        if problems:
            raise ValueError("; ".join(problems))
        return self


def _option(problem: dict[str, Any]) -> str:
    """A wrong option of `pixels` in words."""
    key = str(problem.get("ctx", {}).get("key") or problem["loc"][0])
    if problem["type"] == "extra_forbidden":
        return f"unknown option `{key}`, {did_you_mean(key, PixelOptions.model_fields)}"
    return f"options.{key} must be a whole number within its bounds: {problem['msg']}"
