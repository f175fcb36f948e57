"""Maps on disk: safetensors with the settings of the fit in the metadata.

The metadata is one JSON string under one key, because safetensors writes several keys in an order
that changes from run to run, and equal maps should be equal files.
"""

from __future__ import annotations

import json
from pathlib import Path

from unispace.alignment.maps import Map
from unispace.alignment.space import Frame
from unispace.records.files import replacing

KEY = "unispace-map"


def save_map(fitted: Map, path: Path | str) -> None:
    """Write a map so that a reader sees the whole file or none.

    Tensors: `source_mean`, `target_mean` and, unless the map is the identity, `matrix`.
    Metadata: key `unispace-map`, JSON of `method`, `settings` and `scale`. Equal maps give equal
    bytes.

    Args:
        fitted: The map.
        path: File to write or replace.
    """
    from safetensors.numpy import save

    tensors = {"source_mean": fitted.source.mean, "target_mean": fitted.target.mean}
    if fitted.matrix is not None:
        tensors["matrix"] = fitted.matrix
    card = {
        "method": fitted.method,
        "settings": dict(fitted.settings),
        "scale": fitted.scale,
    }
    with replacing(Path(path)) as temporary:
        temporary.write_bytes(save(tensors, {KEY: json.dumps(card, sort_keys=True)}))


def load_map(path: Path | str) -> Map:
    """Read a map written by `save_map`, bit for bit.

    Raises:
        FileNotFoundError: No such file.
        ValueError: A safetensors file that is not a map, or a map whose shapes do not fit.
    """
    from safetensors import safe_open

    with safe_open(str(path), framework="numpy") as file:
        card = json.loads((file.metadata() or {}).get(KEY, "null"))
        if card is None:
            raise ValueError(f"{path} is not a map: its metadata has no {KEY!r}")
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not iterable)
    source, target = tensors["source_mean"], tensors["target_mean"]
    width = max(source.size, target.size)
    return Map(
        method=card["method"],
        source=Frame(source, width),
        target=Frame(target, width),
        matrix=tensors.get("matrix"),
        settings=card["settings"],
        scale=card["scale"],
    )
