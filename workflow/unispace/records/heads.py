"""The binary heads that models were trained with on attacks, on disk: `heads.safetensors` beside a model."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from unispace.errors import UserError
from unispace.records.files import replacing

_WEIGHT, _BIAS, _NORMALISED = "weight", "bias", "normalised"


@dataclass(frozen=True, eq=False)
class AttackHead:
    """A linear layer with two outputs: 0 is an attack, 1 bona fide.

    Attributes:
        weight: `(2, d)`, float32.
        bias: `(2,)`, float32.
        normalised: whether it was trained on embeddings of unit length.
    """

    weight: NDArray[np.float32]
    bias: NDArray[np.float32]
    normalised: bool

    def __post_init__(self) -> None:
        """Refuse shapes that are no such layer."""
        if self.weight.ndim != 2 or len(self.weight) != 2 or self.bias.shape != (2,):
            raise ValueError(
                f"a binary head has a weight (2, d) and a bias (2,), got {self.weight.shape} and {self.bias.shape}"
            )

    def scores(self, vectors: NDArray[np.floating]) -> NDArray[np.float64]:
        """How bona fide images look, in [0, 1]: the softmax of both outputs, as MADation and FoundPAD take it.

        Args:
            vectors: `(n, d)` embeddings; brought to unit length where the head was trained so.

        Returns:
            `(n,)`; equal outputs give 0.5.

        Raises:
            ValueError: where the vectors have another dimension.
        """
        if vectors.ndim != 2 or vectors.shape[1] != self.weight.shape[1]:
            raise ValueError(
                f"the head takes vectors (n, {self.weight.shape[1]}), got {vectors.shape}"
            )
        given = np.asarray(vectors, np.float64)
        if self.normalised:
            # As torch does it: nothing is divided by less than this.
            given = given / np.maximum(np.linalg.norm(given, axis=1, keepdims=True), 1e-12)
        logits = given @ self.weight.astype(np.float64).T + self.bias
        # The logistic function of the difference, which never overflows in this form.
        return 0.5 * (1 + np.tanh(0.5 * (logits[:, 1] - logits[:, 0])))


def write_heads(heads: Mapping[str, AttackHead], path: Path) -> None:
    """Write heads so that a reader sees the whole file or none; equal heads give equal bytes.

    Tensors `<dataset>.weight` and `<dataset>.bias`; metadata `<dataset>.normalised`, `true` or `false`.

    Args:
        heads: by the data set that they were trained on; none of them makes a file without tensors.
        path: file to write or replace.

    Raises:
        UserError: where the disk is full.
    """
    from safetensors.numpy import save

    tensors = {
        f"{name}.{part}": np.ascontiguousarray(tensor, np.float32)
        for name, head in sorted(heads.items())
        for part, tensor in ((_WEIGHT, head.weight), (_BIAS, head.bias))
    }
    metadata = {f"{n}.{_NORMALISED}": str(h.normalised).lower() for n, h in heads.items()}
    with replacing(path) as temporary:
        # Of no tensors and empty metadata the library writes what it cannot read.
        temporary.write_bytes(_in_order(save(tensors, metadata or None)))


def read_heads(path: Path) -> dict[str, AttackHead]:
    """Read what `write_heads` wrote, by data set.

    Raises:
        UserError: where the file is missing, no safetensors file, or holds something else.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(str(path), framework="numpy") as file:
            metadata = file.metadata() or {}
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 (not iterable)
    except (SafetensorError, FileNotFoundError) as error:
        raise UserError(f"{path} cannot be read as safetensors ({error})") from error
    heads = {}
    for key in sorted(tensors):
        # Names of data sets hold no dot.
        name, _, part = key.rpartition(".")
        if part not in (_WEIGHT, _BIAS) or f"{name}.{_NORMALISED}" not in metadata:
            raise UserError(f"{path} holds `{key}`, which is no part of a binary head")
        if part == _WEIGHT:
            bias = tensors.get(f"{name}.{_BIAS}")
            if bias is None:
                raise UserError(f"{path}: the head `{name}` has no bias")
            normalised = metadata[f"{name}.{_NORMALISED}"] == "true"
            heads[name] = AttackHead(tensors[key], bias, normalised)
    return heads


def _in_order(content: bytes) -> bytes:
    """A safetensors file with its metadata in order: the library writes it in another one in every run."""
    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + length])
    metadata = header.pop("__metadata__", None)
    if metadata:
        header = {"__metadata__": dict(sorted(metadata.items())), **header}
    text = json.dumps(header, separators=(",", ":")).encode()
    # Tensors begin at a multiple of eight bytes.
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + content[8 + length :]
