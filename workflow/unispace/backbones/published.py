"""Weights as others publish them: their files, the names of their tensors, and what they were trained on."""

from __future__ import annotations

import logging
import pickle
import sys
from pathlib import Path
from typing import Any

import timm
from timm.models import model_entrypoint
from timm.models._helpers import clean_state_dict, load_state_dict
from torch import Tensor, nn

from unispace.backbones.refusals import REFUSALS
from unispace.backbones.tensors import read_tensors
from unispace.config.backbones import NORMALISATIONS, Backbone, HubWeights
from unispace.config.published import PICKLES, suffix_of
from unispace.errors import UserError

log = logging.getLogger(__name__)

# Wrappers that others train in, whose names stand before those of the tensors.
_PREFIXES = ("backbone.", "model.", "encoder.")
_COUNTER = "num_batches_tracked"
_RESIZED = ("pos_embed", "patch_embed")


def read_published(path: Path, name: str) -> dict[str, Tensor]:
    """Tensors of a file by name, taken out of the checkpoint that they may lie in.

    A pickle is opened by `torch.load(weights_only=True)`, which refuses whatever is neither tensor nor plain value.
    In a checkpoint the averaged weights go before the last ones, as timm has it.

    Args:
        path: a safetensors file, or a pickle whose checksum was compared before.
        name: what messages call it.

    Raises:
        UserError: where the file is damaged, holds code, or holds something else than tensors.
    """
    if suffix_of(path.name) not in PICKLES:
        return clean_state_dict(read_tensors(path, name))
    try:
        found: Any = load_state_dict(str(path), weights_only=True)
    except (*REFUSALS, EOFError) as error:
        if isinstance(error.__cause__, pickle.UnpicklingError):
            raise UserError(
                f"{name}: {path.name} is damaged, or holds more than tensors and plain values, and that is never "
                f"run. Where you trust who made it, save its tensors as safetensors yourself"
            ) from error
        raise UserError(f"{name}: {path.name} cannot be read ({error})") from error
    strange = [key for key, value in found.items() if not isinstance(value, Tensor)]
    if strange or not found:
        held = f"`{strange[0]}` is {type(found[strange[0]]).__name__}" if strange else "it is empty"
        raise UserError(
            f"{name}: {path.name} holds no plain table of tensors ({held}); its entries: "
            f"{', '.join(list(map(str, found))[:8])}"
        )
    return found


def adapt(
    tensors: dict[str, Tensor], body: nn.Module, architecture: str
) -> tuple[dict[str, Tensor], list[str]]:
    """Give published tensors the names and layout of an architecture.

    Tried in turn, and taken where the names fit: as they are, without a wrapper's prefix, and through timm's own
    converter of that architecture (OpenAI's CLIP, Meta's DINO, EVA and others). Without the classifier, unless the
    body has it; in the precision of the body. A body with a method `from_published` renames them itself.

    Args:
        tensors: as they were read.
        body: the network that they are for.
        architecture: its name, of timm or not.

    Returns:
        The tensors, which may still not fit; and the names of those whose grid timm's converter resized.
    """
    wanted = body.state_dict()
    if own := getattr(body, "from_published", None):
        # A network of the user's own knows best; what it leaves out or gets wrong is refused like any other misfit.
        found = _completed(own(tensors), wanted)
        fitting = found.keys() == wanted.keys()
        return (_like(found, wanted) if fitting else found), []
    candidates = [tensors, *(part for p in _PREFIXES if (part := _without(tensors, p)))]
    for candidate in candidates:
        found = _completed(_without_classifier(candidate, body), wanted)
        if found.keys() == wanted.keys() and all(found[k].shape == wanted[k].shape for k in wanted):
            return _like(found, wanted), []
    convert = _converter(architecture)
    for candidate in candidates if convert else ():
        try:
            converted = convert(dict(candidate), body)
        except REFUSALS as error:
            log.info("timm's converter of %s does not take these weights: %s", architecture, error)
            continue
        found = _completed(_without_classifier(converted, body), wanted)
        if found.keys() == wanted.keys():
            sizes = {tensor.numel() for tensor in candidate.values()}
            resized = [
                k for k in found if any(r in k for r in _RESIZED) and found[k].numel() not in sizes
            ]
            return _like(found, wanted), sorted(resized)
    fewest = min(candidates, key=lambda c: len(c.keys() ^ wanted.keys()))
    return _completed(_without_classifier(fewest, body), wanted), []


def warnings_of(settings: Backbone) -> list[str]:
    """What of a study differs from how timm says that weights of an architecture were trained.

    Weights of others' may have been trained otherwise with good reason, so nothing is refused.

    Args:
        settings: a backbone of timm with weights from outside.
    """
    weights, architecture = settings.weights, settings.architecture
    config = timm.get_pretrained_cfg(architecture)
    if isinstance(weights, HubWeights) and weights.repo.startswith("timm/"):
        published = weights.repo.removeprefix("timm/")
        config = timm.get_pretrained_cfg(published) if timm.is_model(published) else config
        base = published.partition(".")[0]
        if base != architecture.replace("_quickgelu_", "_"):
            return [f"{weights.repo} is `{base}`, the study builds `{architecture}`"]
    if config is None:
        return []
    problems = []
    how = settings.preprocessing
    mean, std = NORMALISATIONS[how.normalisation]
    if (config.mean, config.std) != (mean, std):
        names = [
            n for n, statistics in NORMALISATIONS.items() if statistics == (config.mean, config.std)
        ]
        given = f"`{names[0]}`" if names else f"mean {config.mean} and std {config.std}"
        problems.append(
            f"preprocessing.normalisation is `{how.normalisation}`, timm has {given} for {architecture}"
        )
    if how.colour_order == "bgr":
        problems.append("preprocessing.colour_order is `bgr`, the networks of timm take RGB")
    if "natively QuickGELU" in str(config.notes) and "quickgelu" not in architecture:
        problems.append(
            f"these weights were trained with QuickGELU; build `{architecture.replace('_clip_', '_clip_quickgelu_')}`"
        )
    return problems


def _without(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """The tensors of a prefix, without it; what a checkpoint holds beside them is its head."""
    return {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}


def _without_classifier(tensors: dict[str, Tensor], body: nn.Module) -> dict[str, Tensor]:
    config = getattr(body, "default_cfg", None) or {}
    named = config.get("classifier") or ()
    wanted = body.state_dict()
    head = tuple(
        f"{prefix}."
        for prefix in ((named,) if isinstance(named, str) else named)
        if not any(key.startswith(f"{prefix}.") for key in wanted)
    )
    return {k: v for k, v in tensors.items() if not (head and k.startswith(head))}


def _completed(tensors: dict[str, Tensor], wanted: dict[str, Tensor]) -> dict[str, Tensor]:
    """With the counters of batch norms, which old files lack and which decide no embedding."""
    counters = {k: v for k, v in wanted.items() if k.endswith(_COUNTER) and k not in tensors}
    return {**tensors, **counters}


def _like(tensors: dict[str, Tensor], wanted: dict[str, Tensor]) -> dict[str, Tensor]:
    """In the precision of the network: files in half precision are common."""
    return {k: tensors[k].to(wanted[k].dtype) for k in wanted}


def _converter(architecture: str) -> Any:
    """The function of timm from a published layout to its own, where an architecture has one."""
    if not timm.is_model(architecture):
        return None
    module = sys.modules[model_entrypoint(architecture).__module__]
    return getattr(module, "checkpoint_filter_fn", None)
