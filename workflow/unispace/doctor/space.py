"""How much a study will still write: images, archives, weights and embeddings, from what is known before they are made."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from unispace.backbones.refusals import REFUSALS
from unispace.config.backbones import Backbone, FileWeights
from unispace.config.datasets import RegisteredSource
from unispace.config.studio import StudioSource
from unispace.config.study import Study
from unispace.data.preflight import bytes_needed
from unispace.data.registry import lookup
from unispace.errors import UserError
from unispace.records.files import read_json
from unispace.records.manifest import read_manifest
from unispace.records.places import find

_FLOAT = 4
# Weights with both moments of Adam, and the file that replaces them while it is written.
_STATES = 2 * 3


@dataclass
class Space:
    """Bytes still to be written.

    Attributes:
        parts: by what they are.
        unknown: what could not be estimated.
    """

    parts: dict[str, int] = field(default_factory=dict)
    unknown: list[str] = field(default_factory=list)

    @property
    def bytes(self) -> int:
        """All of them."""
        return sum(self.parts.values())


@dataclass(frozen=True)
class Size:
    """What a backbone takes: bytes of its weights, and numbers in an embedding."""

    weights: int
    dimension: int


def space_needed(study: Study, root: Path, cores: int) -> Space:
    """Estimate what a study will still write.

    Rendered images by number and size; archives by their published size, twice, since the image store holds their
    images again; weights by those of the same backbone that are here, else by counting the parameters of its
    architecture; embeddings as float32, twice, for the shelf keeps them by content. Tables, figures and logs are small
    and left out.

    Args:
        study: the study.
        root: the folder that Snakemake runs in.
        cores: trainings that keep an unfinished state at one time.
    """
    space = Space({"images": bytes_needed(study, root / "data" / study.study)})
    _archives(study, root, space)
    sizes = {
        name: size
        for name, backbone in study.backbones.items()
        if (size := _size(name, backbone, study, root, space))
    }
    checkpoints = root / "checkpoints" / study.study
    models = [*study.network_models(), *(f"{name}/pretrained" for name in study.backbones)]
    missing = [m for m in models if not (checkpoints / m / "model.safetensors").is_file()]
    weights = [sizes[m.split("/")[0]].weights for m in missing if m.split("/")[0] in sizes]
    space.parts["weights"] = sum(weights)
    trained = [sizes[b].weights for b in map(_trained(study), missing) if b in sizes]
    space.parts["unfinished trainings"] = _STATES * sum(sorted(trained)[-cores:])
    images = {name: _images(study, root, name, space) for name in study.evaluation.datasets}
    space.parts["embeddings"] = sum(
        2 * _FLOAT * count * sizes[model.split("/")[0]].dimension
        for model in study.network_models()
        if model.split("/")[0] in sizes
        for name, count in images.items()
        if not _embedded(root, study, model, name)
    )
    return space


def _trained(study: Study) -> Callable[[str], str | None]:
    """Gives the backbone of a model that is trained in the pipeline, None of others."""

    def backbone_of(model: str) -> str | None:
        name, curriculum, *_ = model.split("/")
        if curriculum == "pretrained":
            return name if study.backbones[name].weights.kind == "pretrain" else None
        return name if study.curricula[curriculum].train_on else None

    return backbone_of


def _embedded(root: Path, study: Study, model: str, dataset: str) -> bool:
    folder = root / "results" / study.study / "embeddings" / model / dataset
    return (folder / "vectors.npy").is_file()


def _archives(study: Study, root: Path, space: Space) -> None:
    total = 0
    for name, dataset in study.datasets.items():
        source = dataset.source
        made = (root / "data" / study.study / name / "images.npy").is_file()
        if not isinstance(source, RegisteredSource) or made:
            continue
        for file in lookup(source.name).files:
            here = root / "data" / "raw" / file.name
            size = here.stat().st_size if here.is_file() else file.bytes
            if size is None:
                space.unknown.append(f"{file.name}, whose size is not published")
            else:
                total += size * (1 if here.is_file() else 2)
    space.parts["archives"] = total


def _size(name: str, backbone: Backbone, study: Study, root: Path, space: Space) -> Size | None:
    """What a backbone takes, from a model of it that is here, its file, or its architecture."""
    for card in sorted((root / "checkpoints" / study.study / name).glob("**/model.json")):
        weights = card.with_name("model.safetensors")
        if weights.is_file():
            return Size(weights.stat().st_size, int(read_json(card).get("dimension") or 0))
    try:
        return _counted(backbone)
    except (UserError, *REFUSALS) as error:
        file = find(backbone.weights.path) if isinstance(backbone.weights, FileWeights) else None
        if file is not None and file.is_file():
            space.unknown.append(f"embeddings of {name}, whose dimension shows when it is loaded")
            return Size(file.stat().st_size, 0)
        space.unknown.append(f"weights of {name} ({str(error).splitlines()[0]:.80})")
        return None


def _counted(backbone: Backbone) -> Size:
    """Build the architecture without memory behind it, and count."""
    # Seconds, which a study whose models are here need not wait.
    import torch

    from unispace.backbones.network import Network

    with torch.device("meta"):
        network = Network(backbone)
    if not network.dimension:
        raise UserError("a graph in a file is known when it is loaded")
    return Size(_FLOAT * sum(p.numel() for p in network.parameters()), network.dimension)


def _images(study: Study, root: Path, name: str, space: Space) -> int:
    """Images of a data set, from its manifest or from what will be rendered."""
    manifest = root / "data" / study.study / name / "manifest.parquet"
    if manifest.is_file():
        return len(read_manifest(manifest, ["image_id"]))
    dataset = study.datasets[name]
    source = dataset.source
    if isinstance(source, StudioSource):
        return source.labels * source.images_of_each(dataset.domain)
    known = lookup(source.name).images if isinstance(source, RegisteredSource) else None
    if known is None:
        space.unknown.append(f"embeddings of {name}, whose number of images shows when it is read")
    return known or 0
