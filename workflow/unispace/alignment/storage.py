"""Maps on disk: safetensors, the maps of one pair of models in one file, with the settings of each fit in the metadata.

The metadata is one JSON string under one key, because safetensors writes several keys in an order that changes from run
to run, and equal maps should be equal files.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from unispace.alignment.lifts import lift_of
from unispace.alignment.mapping import Map
from unispace.alignment.space import Floats, Frame
from unispace.records.files import replacing

KEY = "unispace-maps"
_LIFT = "lift."


def save_maps(maps: Mapping[str, Map], path: Path | str) -> None:
    """Write maps so that a reader sees the whole file or none.

    Tensors: `<name>/source_mean`, `<name>/target_mean` and, where there is one, `source_basis`, `target_basis`,
    `matrix`, `offset` and `lift.<part>`. Metadata: key `unispace-maps`, JSON of the maps in their order with `method`,
    `settings`, `scale`, `widths` of the two frames, `parameters`, `rows` and the kind of the `lift`. Equal maps give
    equal bytes.

    Args:
        maps: By name; a name holds no slash.
        path: File to write or replace.
    """
    from safetensors.numpy import save

    tensors, cards = {}, []
    for name, fitted in maps.items():
        if "/" in name:
            raise ValueError(f"a map's name holds no slash, got {name!r}")
        found, card = _parts(fitted)
        tensors |= {f"{name}/{part}": tensor for part, tensor in found.items()}
        cards.append([name, card])
    with replacing(Path(path)) as temporary:
        temporary.write_bytes(save(tensors, {KEY: json.dumps(cards, sort_keys=True)}))


def load_maps(path: Path | str) -> dict[str, Map]:
    """Read maps written by `save_maps`, bit for bit and in their order.

    Raises:
        FileNotFoundError: No such file.
        ValueError: A safetensors file that holds no maps, or a map whose shapes do not fit.
    """
    from safetensors import safe_open

    with safe_open(str(path), framework="numpy") as file:
        cards = json.loads((file.metadata() or {}).get(KEY, "null"))
        if cards is None:
            raise ValueError(f"{path} holds no maps: its metadata has no {KEY!r}")
        tensors: dict[str, dict[str, Floats]] = {name: {} for name, _ in cards}
        for key in file.keys():  # noqa: SIM118 (not iterable)
            name, part = key.split("/")
            tensors[name][part] = file.get_tensor(key)
    return {name: _map(tensors[name], card) for name, card in cards}


def key_of(fitted: Map) -> str:
    """SHA-256 of everything that a map is: of its tensors and its settings."""
    tensors, card = _parts(fitted)
    digest = hashlib.sha256(json.dumps(card, sort_keys=True).encode())
    for part in sorted(tensors):
        digest.update(f"{part} {tensors[part].shape}".encode())
        digest.update(tensors[part].tobytes())
    return digest.hexdigest()


def _parts(fitted: Map) -> tuple[dict[str, Floats], dict[str, Any]]:
    parts: dict[str, Floats | None] = {
        "source_mean": fitted.source.mean,
        "target_mean": fitted.target.mean,
        "source_basis": fitted.source.basis,
        "target_basis": fitted.target.basis,
        "matrix": fitted.matrix,
        "offset": fitted.offset,
    }
    lifted = {} if fitted.lift is None else fitted.lift.tensors()
    parts |= {f"{_LIFT}{name}": tensor for name, tensor in lifted.items()}
    card = {
        "method": fitted.method,
        "settings": dict(fitted.settings),
        "scale": fitted.scale,
        "widths": [fitted.source.width, fitted.target.width],
        "parameters": fitted.parameter_count,
        "rows": fitted.rows,
        "lift": None if fitted.lift is None else fitted.lift.kind,
    }
    return {name: tensor for name, tensor in parts.items() if tensor is not None}, card


def _map(tensors: Mapping[str, Floats], card: Mapping[str, Any]) -> Map:
    lifted = {
        name.removeprefix(_LIFT): tensor
        for name, tensor in tensors.items()
        if name.startswith(_LIFT)
    }
    source, target = (
        Frame(tensors[f"{end}_mean"], width, tensors.get(f"{end}_basis"))
        for end, width in zip(("source", "target"), card["widths"], strict=True)
    )
    return Map(
        method=card["method"],
        source=source,
        target=target,
        matrix=tensors.get("matrix"),
        settings=card["settings"],
        scale=card["scale"],
        offset=tensors.get("offset"),
        lift=None if card["lift"] is None else lift_of(card["lift"], lifted),
        parameter_count=card["parameters"],
        rows=card["rows"],
    )
