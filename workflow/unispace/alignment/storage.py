"""Maps on disk: safetensors with the settings of the fit in the metadata.

The metadata is one JSON string under one key, because safetensors writes several keys in an order
that changes from run to run, and equal maps should be equal files.
"""

from __future__ import annotations

import json
from pathlib import Path

from unispace.alignment.lifts import lift_of
from unispace.alignment.mapping import Map
from unispace.alignment.space import Floats, Frame
from unispace.records.files import replacing

KEY = "unispace-map"
_LIFT = "lift."


def save_map(fitted: Map, path: Path | str) -> None:
    """Write a map so that a reader sees the whole file or none.

    Tensors: `source_mean`, `target_mean` and, where there is one, `source_basis`, `target_basis`, `matrix`, `offset`
    and `lift.<name>`. Metadata: key `unispace-map`, JSON of `method`, `settings`, `scale`, `widths` of the two frames,
    `parameters`, `rows` and the kind of the `lift`. Equal maps give equal bytes.

    Args:
        fitted: The map.
        path: File to write or replace.
    """
    from safetensors.numpy import save

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
    tensors = {name: tensor for name, tensor in parts.items() if tensor is not None}
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
