"""Which networks, with which weights, and how images reach them."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, TypeVar

from pydantic import Field, ValidationError, ValidationInfo, field_validator, model_validator

from unispace.config.architectures import known_architectures
from unispace.config.base import Distinct, DistinctSome, Name, Settings, Sha256
from unispace.config.clips import clip_problems, known_clips, quick_gelu_problem, says_openai
from unispace.config.preprocessing import NORMALISATIONS as NORMALISATIONS
from unispace.config.preprocessing import Preprocessing as Preprocessing
from unispace.config.pretraining import Pretrain
from unispace.config.published import PICKLES, SUFFIXES, problems_with_published, suffix_of
from unispace.errors import did_you_mean

Provider = Literal["timm", "open_clip", "onnx", "python"]

PIXELS = "pixels"
"""The architecture that is ours: coarse pixels and one linear layer, the control of every network."""


class FileWeights(Settings):
    """Weights from a file: safetensors, `.onnx`, or another's `.pt`, `.pth`, `.bin` or `.ckpt` without code in it."""

    kind: Literal["file"]
    """`file`"""
    path: str
    """File, looked up below `UNISPACE_DATA` and the working folder."""
    sha256: Sha256
    """Checksum of the file."""
    seen: Distinct[Name] = ()
    """Sets of the registry that the weights were trained on, for the audit; what their name says need not be said."""

    @property
    def file(self) -> str:
        """Path or name of the file; its ending tells what it is."""
        return self.path


class HubWeights(Settings):
    """Weights from the Hugging Face hub."""

    kind: Literal["hub"]
    """`hub`"""
    repo: str
    """Repository, such as `timm/eva02_tiny_patch14_224.mim_in22k`."""
    revision: str
    """Commit, tag or branch; a commit is what stays the same."""
    filename: str = "model.safetensors"
    """File in the repository, of the kinds that `kind: file` takes."""
    sha256: Sha256 | None = None
    """Checksum of the file; recorded at the first fetch where it is left out, which safetensors and `.onnx` may."""
    seen: Distinct[Name] = ()
    """Sets of the registry that the weights were trained on, for the audit; what their name says need not be said."""

    @property
    def file(self) -> str:
        """Path or name of the file; its ending tells what it is."""
        return self.filename


class RandomWeights(Settings):
    """Untrained weights, as a control."""

    kind: Literal["random"]
    """`random`"""


Weights = Annotated[
    Pretrain | FileWeights | HubWeights | RandomWeights, Field(discriminator="kind")
]


class PixelOptions(Settings):
    """Options of the architecture `pixels`."""

    grid: Annotated[int, Field(ge=1, le=128)] = 16
    """Side of the grid of area averages that an image is reduced to; divides its size."""
    dimension: Annotated[int, Field(ge=2)] = 128
    """Length of the embeddings, at most the `3 * grid * grid` values of a reduced image."""


class OnnxOptions(Settings):
    """Options of a network in an ONNX file."""

    output: str | Annotated[int, Field(ge=0)] | None = None
    """Name or place (0 is the first) of the output that is the embedding; needed where there are several."""


class Backbone(Settings):
    """An architecture and its weights before tuning."""

    provider: Provider = "timm"
    """Who builds the network: `timm`, `open_clip`, `onnx` (a graph in a file, used as it is and never tuned) or
    `python` (a function of your own)."""
    architecture: Annotated[str, Field(min_length=1)]
    """A timm model name, such as `eva02_tiny_patch14_224`; or `pixels`, the raw-pixel control: one linear layer.
    Of `open_clip` one of its model names, such as `ViT-B-16`. Of `onnx` a name for the report, as the graph is in the
    file. Of `python` `module:function`, called with `options`: it returns a torch module that takes normalised images
    `(n, 3, size, size)` and gives `(n, d)`; where it has a method `from_published`, that gets the tensors of a weights
    file by name and gives those of the module."""
    options: dict[str, Any] = Field(default={})
    """Further arguments of `timm.create_model`, such as `depth`, `embed_dim`, `patch_size`, or `num_classes` where the
    last layer makes the embedding, as in face networks; of `pixels`: `grid` (16, side of the grid that an image is
    averaged on) and `dimension` (128, of the embedding); of `open_clip`: changes of its config, such as `embed_dim`,
    `vision_cfg: { image_size, layers, width }`, `text_cfg: { context_length }`, and `vision_cfg.timm_options`,
    arguments of the timm model inside where there is one; of `onnx`: `output` (name or place of the output that is the
    embedding, where there are several); of `python`: the arguments of the function."""
    pooling: Literal["avg", "token", "attention"] = "avg"
    """Mean over patch tokens, the class token, or (towers of open_clip only) attention. Always stated, since families
    differ by default; `onnx` and `python` networks pool by themselves."""
    preprocessing: Preprocessing = Preprocessing()
    """How images reach the network."""
    weights: Weights
    """Where the weights come from."""
    curricula: DistinctSome[Name] | None = None
    """Curricula that it is tuned with, for a control that needs few of them; left out: all."""
    without: DistinctSome[Name] | None = None
    """Curricula that it is not tuned with; left out: none."""

    @field_validator("architecture")
    @classmethod
    def _known(cls, name: str, info: ValidationInfo) -> str:
        match info.data.get("provider"):
            case "timm":
                known = known_architectures() | {PIXELS}
            case "open_clip":
                known = known_clips()
            case "python":
                if not _FUNCTION.fullmatch(name):
                    raise ValueError(
                        f"`{name}` names no function; write `module:function`, such as `nets.mine:small`"
                    )
                if name.startswith("unispace."):
                    # What jobs are made of is found from their import statements, and nothing imports it by one.
                    raise ValueError(
                        f"`{name}` is of this project, which would not see a change in it; put the function into a "
                        f"file of your own beside the Snakefile"
                    )
                return name
            case _:
                return name
        if name not in known:
            raise ValueError(f"unknown backbone `{name}`: {did_you_mean(name, known)}")
        return name

    @property
    def is_control(self) -> bool:
        """Whether it is no network but a linear map of raw pixels."""
        return self.provider == "timm" and self.architecture == PIXELS

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
    def _control(self) -> Backbone:
        if not self.is_control:
            return self
        options, problems = _options(PixelOptions, self.options)
        if options is not None:
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

    @model_validator(mode="after")
    def _provided(self) -> Backbone:
        """What a provider takes; weights of kind `random` pass, since jobs that get a file of them see no other."""
        problems = []
        if self.provider == "onnx":
            problems += _options(OnnxOptions, self.options)[1]
        if self.provider in ("onnx", "python") and self.pooling != "avg":
            problems.append(f"provider `{self.provider}` pools by itself; leave pooling out")
        if self.provider == "onnx" and self.weights.kind == "pretrain":
            problems.append(
                "provider `onnx` cannot be trained; write `weights: { kind: file, path: ..., sha256: ... }`"
            )
        if isinstance(self.weights, FileWeights | HubWeights) and not self.is_control:
            problems += self._published(self.weights)
        if problems:
            raise ValueError("; ".join(problems))
        return self

    def _published(self, weights: FileWeights | HubWeights) -> list[str]:
        """What is wrong with weights from outside, as far as their name tells."""
        name = weights.file
        source = f"{weights.repo}/{name}" if isinstance(weights, HubWeights) else name
        problems = []
        if suffix_of(name) not in SUFFIXES[self.provider]:
            problems.append(
                f"weights: `{name}` is of no kind that provider `{self.provider}` loads "
                f"({', '.join(SUFFIXES[self.provider])})"
            )
        if weights.sha256 is None and suffix_of(name) in PICKLES:
            problems.append(
                f"weights: `{name}` is a pickle, which is opened only with its sha256; add that, or take safetensors"
            )
        if self.provider == "timm":
            pooled = "pooling" in self.model_fields_set
            problems += problems_with_published(self.architecture, source, pooled)
        return problems


_FUNCTION = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*")

OptionsT = TypeVar("OptionsT", bound=Settings)


def _options(model: type[OptionsT], given: dict[str, Any]) -> tuple[OptionsT | None, list[str]]:
    """Options of our own making, checked; or what is wrong with them."""
    try:
        return model.model_validate(given), []
    except ValidationError as error:
        problems = [_in_words(model, dict(problem)) for problem in error.errors()]
        return None, list(dict.fromkeys(problems))


def _in_words(model: type[Settings], problem: dict[str, Any]) -> str:
    """A wrong option in words."""
    key = str(problem.get("ctx", {}).get("key") or problem["loc"][0])
    if problem["type"] == "extra_forbidden":
        return f"unknown option `{key}`, {did_you_mean(key, model.model_fields)}"
    if model is OnnxOptions:
        return f"options.{key} must be the name or the place (0, 1, ...) of an output"
    return f"options.{key} must be a whole number within its bounds: {problem['msg']}"
