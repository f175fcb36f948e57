"""What was run: data sets and models as the page describes them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from unispace.config.datasets import (
    ArchiveSource,
    Dataset,
    DigitsSource,
    HuggingfaceSource,
    IndexSource,
    ManifestSource,
    RegisteredSource,
    TorchvisionSource,
)
from unispace.config.studio import StudioSource
from unispace.config.study import Study
from unispace.data.registry import lookup
from unispace.reporting.looks import DOMAIN_TITLES, in_order, short_names
from unispace.reporting.roles import schedule_in_words

SPLITS = ("train", "val", "test")
_UNITS = {"object": "classes", "pad": "kinds", "mad": "kinds"}


@dataclass(frozen=True)
class DatasetCard:
    """A data set: where it is from, and how much of it there is in each split."""

    name: str
    domain: str
    domain_title: str
    source: str
    licence: str
    unit: str
    images: int
    labels: int
    splits: tuple[tuple[str, int, int], ...]
    degraded: str


@dataclass(frozen=True)
class ModelCard:
    """A model: what it is and how it was tuned."""

    name: str
    short: str
    architecture: str
    curriculum: str
    schedule: str
    parameters: int | None
    dimension: int
    precision: str
    provider: str
    licence: str
    origin: str
    weights: str


def dataset_cards(
    study: Study, order: Sequence[str], manifests: Mapping[str, pd.DataFrame]
) -> list[DatasetCard]:
    """Cards of the data sets, in the order of the study."""
    return [_dataset(name, study.datasets[name], manifests[name]) for name in order]


def _dataset(name: str, settings: Dataset, manifest: pd.DataFrame) -> DatasetCard:
    counts = manifest.groupby("split").agg(images=("row", "size"), labels=("label", "nunique"))
    splits = tuple(
        (str(split), int(counts.loc[split, "images"]), int(counts.loc[split, "labels"]))  # pyright: ignore[reportArgumentType]
        for split in in_order(counts.index, SPLITS)
    )
    return DatasetCard(
        name=name,
        domain=settings.domain,
        domain_title=DOMAIN_TITLES[settings.domain],
        source=_source(settings),
        licence=_data_licence(settings),
        unit=_UNITS.get(settings.domain, "identities"),
        images=len(manifest),
        labels=manifest["label"].nunique(),
        splits=splits,
        degraded=_degraded(settings),
    )


def _source(settings: Dataset) -> str:
    source = settings.source
    if isinstance(source, StudioSource):
        return f"rendered by this pipeline (studio world {source.world}, {source.size} px)"
    if isinstance(source, ArchiveSource):
        return f"archive {source.path}, SHA-256 {source.sha256[:12]}…"
    if isinstance(source, RegisteredSource):
        entry = lookup(source.name)
        version = f" ({entry.version})" if entry.version else ""
        return f"{entry.title}{version}: {entry.citation}"
    if isinstance(source, TorchvisionSource):
        return f"torchvision data set {source.name}"
    if isinstance(source, HuggingfaceSource):
        revision = f" at {source.revision[:12]}…" if source.revision else ""
        return f"Hugging Face hub, {source.repo}{revision}"
    if isinstance(source, DigitsSource):
        return (
            "handwritten digits of scikit-learn (Alpaydin and Kaynak, Optical Recognition of "
            f"Handwritten Digits, 1998), enlarged to {source.size} px"
        )
    if isinstance(source, IndexSource):
        return (
            f"nowhere: the index {source.path} lists them, for embeddings that were made elsewhere"
        )
    if isinstance(source, ManifestSource):
        return f"table of images {source.path}"
    return f"{source.kind} {source.path}"


def _data_licence(settings: Dataset) -> str:
    if isinstance(settings.source, StudioSource):
        return "made by this pipeline; shows no real person; licence of the repository"
    if isinstance(settings.source, RegisteredSource):
        entry = lookup(settings.source.name)
        return "; ".join(filter(None, (entry.licence, entry.terms)))
    if isinstance(settings.source, IndexSource):
        return "none here; embeddings of persons can be personal data, check the terms of the images and of the model"
    if isinstance(settings.source, DigitsSource):
        return "of the UCI Machine Learning Repository, as scikit-learn ships them; CC BY 4.0"
    return "of its publisher; not recorded in the study, check it before you pass images on"


def _degraded(settings: Dataset) -> str:
    source = settings.source
    if not isinstance(source, StudioSource) or source.degrade is None:
        return ""
    low, high = source.degrade.severity
    first = "loss of resolution, then " if source.degrade.always_resample else ""
    kinds = source.degrade.kinds
    # Two or three are chained, where there are as many.
    chain = " and ".join(kinds) if len(kinds) < 3 else f"two or three of {', '.join(kinds)}"
    return f"{first}{chain}; severity {low:g} to {high:g}"


def model_cards(
    study: Study, order: Sequence[str], datasets: Sequence[str], cards: Sequence[dict[str, Any]]
) -> list[ModelCard]:
    """Cards of the networks in the study's `order`; `datasets` are in its order too."""
    known = {card.get("model"): card for card in cards}
    names = short_names(order)
    own = study.own_models()
    return [_model(study, datasets, names[n], known[n]) for n in order if n not in own]


def _model(study: Study, datasets: Sequence[str], short: str, card: dict[str, Any]) -> ModelCard:
    backbone, curriculum = card["model"].split("/")[:2]
    settings = study.curricula[curriculum]
    schedule = schedule_in_words(settings, datasets)
    return ModelCard(
        name=card["model"],
        short=short,
        architecture=_architecture(study, backbone, card["architecture"]),
        curriculum=curriculum,
        schedule=schedule,
        parameters=card["parameters"],
        dimension=int(card["dimension"]),
        precision=str(card["precision"]),
        provider=str(card["provider"]),
        licence=str(card["licence"]),
        origin=_origin(study, backbone),
        weights=str(card["weights_sha256"]),
    )


def _architecture(study: Study, backbone: str, name: str) -> str:
    """The name of the architecture, and whether the study made another size of it: not the network that is known by it."""
    settings = study.backbones[backbone]
    ours = settings.weights.kind in ("pretrain", "random") and not settings.is_control
    known = settings.provider in ("timm", "open_clip")
    return f"{name}, altered" if ours and known and settings.options else name


def _origin(study: Study, backbone: str) -> str:
    weights = study.backbones[backbone].weights
    match weights.kind:
        case "pretrain":
            return f"pretrained here on {', '.join(weights.datasets)}, {weights.steps:,} steps"
        case "file":
            return f"file {weights.path}"
        case "hub":
            return f"{weights.repo} at {weights.revision}"
    return "random, never pretrained"


def starts(models: Sequence[ModelCard]) -> list[tuple[str, str, str, str]]:
    """Architecture, provider, origin and licence of what the models started from, each once."""
    return list(dict.fromkeys((m.architecture, m.provider, m.origin, m.licence) for m in models))


def fingerprint(text: str) -> str:
    """A short name for a study's settings: equal settings, equal name."""
    return hashlib.sha256(text.encode()).hexdigest()[:12]
