"""Weights whose tensors have other names in the same order."""

from __future__ import annotations

from torch import Tensor

from unispace.errors import UserError

_COUNTER = "num_batches_tracked"


def in_order(found: dict[str, Tensor], wanted: dict[str, Tensor], name: str) -> dict[str, Tensor]:
    """Give the tensors of a file the names of an architecture, first to first and last to last.

    Checked is that there are as many, and of each pair the shape and the last part of the name (`weight`, `bias`,
    `running_mean`, ...). Not checked, because nothing in a file tells it, is that layers of one shape stand in the
    same order, that strides, paddings and activations are the same, and how images were normalised: try the result
    on images whose classes are known. Counters of batch norms decide nothing and are not counted.

    Args:
        found: tensors of the file, in its order.
        wanted: tensors of the architecture, in its order.
        name: what messages call the file.

    Raises:
        UserError: where the two differ in what is checked.
    """
    here = [key for key in found if not key.endswith(_COUNTER)]
    there = [key for key in wanted if not key.endswith(_COUNTER)]
    pairs = list(zip(here, there, strict=False))
    differing = [pair for pair in pairs if _kind(found, pair[0]) != _kind(wanted, pair[1])]
    if differing or len(here) != len(there):
        first = ""
        if differing:
            key, other = differing[0]
            first = (
                f"; first difference: {key} {tuple(found[key].shape)} in the file, "
                f"{other} {tuple(wanted[other].shape)} in the architecture"
            )
        raise UserError(
            f"{name}: {len(here)} tensors, the architecture has {len(there)}{first}.\n"
            f"  They are not in the same order, or the architecture or its options are others"
        )
    renamed = {other: found[key] for key, other in pairs}
    # In the order of the architecture, with its own counters.
    return {key: renamed.get(key, value) for key, value in wanted.items()}


def _kind(tensors: dict[str, Tensor], key: str) -> tuple[str, tuple[int, ...]]:
    return key.rpartition(".")[2], tuple(tensors[key].shape)
