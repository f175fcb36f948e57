"""Maps on disk: safetensors with the settings of the fit in the metadata."""

from __future__ import annotations

import json
import os
from pathlib import Path

from unispace.alignment.maps import Map
from unispace.alignment.space import Frame

FORMAT = "unispace-map-1"


def save_map(fitted: Map, path: Path | str) -> None:
    """Write a map so that a reader sees the whole file or none.

    The bytes go to a temporary file in the same folder, are flushed to the disk and then renamed.
    Tensors: `source_mean`, `target_mean` and, unless the map is the identity, `matrix`.
    Metadata: `format`, `method`, `settings` (JSON), `scale` (JSON).

    Args:
        fitted: The map.
        path: File to write or replace; its folder must exist.
    """
    from safetensors.numpy import save

    path = Path(path)
    tensors = {"source_mean": fitted.source.mean, "target_mean": fitted.target.mean}
    if fitted.matrix is not None:
        tensors["matrix"] = fitted.matrix
    metadata = {
        "format": FORMAT,
        "method": fitted.method,
        "settings": json.dumps(dict(fitted.settings), sort_keys=True),
        "scale": json.dumps(fitted.scale),
    }
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with open(temporary, "wb") as file:
            file.write(save(tensors, metadata))
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def load_map(path: Path | str) -> Map:
    """Read a map written by `save_map`, bit for bit.

    Raises:
        FileNotFoundError: No such file.
        ValueError: A safetensors file that is not a map, or a map whose shapes do not fit.
    """
    from safetensors import safe_open

    with safe_open(str(path), framework="numpy") as file:
        metadata = file.metadata() or {}
        if metadata.get("format") != FORMAT:
            raise ValueError(f"{path} is not a {FORMAT} file")
        tensors = {name: file.get_tensor(name) for name in file.keys()}
    source, target = tensors["source_mean"], tensors["target_mean"]
    width = max(source.size, target.size)
    return Map(
        method=metadata["method"],
        source=Frame(source, width),
        target=Frame(target, width),
        matrix=tensors.get("matrix"),
        settings=json.loads(metadata["settings"]),
        scale=json.loads(metadata["scale"]),
    )
