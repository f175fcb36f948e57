"""A device named `pretend`, which computes on the CPU and refuses what a graphics processor refuses.

Its tensors know no other: an operation on one of them and on one of the CPU is an error, unless it copies or one is a
scalar, and numpy cannot read it. Operations are those of the CPU, but for fused ones, which torch takes apart here: results
agree up to rounding. The name is of the whole process and cannot be taken back: run it in a process of its own.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import torch
from torch.utils._pytree import tree_leaves, tree_map
from torch.utils.backend_registration import (
    _DummyBackendModule,
    _setup_privateuseone_for_python_backend,
)

PRETEND = "pretend"
# They fill an empty tensor, which a wrapper would not see grow.
_RESIZING = ("arange", "arange.start", "arange.start_step", "randperm")
_COPIES = (torch.ops.aten._to_copy.default, torch.ops.aten.copy_.default)


class OnDevice(torch.Tensor):
    """A tensor of the device.

    Attributes:
        inner: of the CPU, with its values.
    """

    inner: torch.Tensor
    __torch_function__ = torch._C._disabled_torch_function_impl

    @staticmethod
    def __new__(cls, inner: torch.Tensor) -> OnDevice:
        made = torch.Tensor._make_wrapper_subclass(
            cls,
            inner.shape,
            strides=inner.stride(),
            storage_offset=inner.storage_offset(),
            dtype=inner.dtype,
            device=torch.device(PRETEND, 0),
        )
        made.inner = inner
        return made

    @classmethod
    def __torch_dispatch__(cls, function: Any, types: Any, args: Any = (), kwargs: Any = None):
        return _compute(function, args, kwargs or {})


class _Module(_DummyBackendModule):
    """What `torch.pretend` holds."""

    def get_amp_supported_dtype(self) -> list[torch.dtype]:
        """Of mixed precision, which asks even where it is off."""
        return [torch.bfloat16]


def _compute(function: Any, args: Any, kwargs: Any) -> Any:
    """Run an operation on the CPU, with its result where a device would leave it."""
    kwargs = dict(kwargs)
    target = None
    if kwargs.get("device") is not None:
        target = torch.device(kwargs["device"]).type
        kwargs["device"] = torch.device("cpu")
    tensors = [t for t in tree_leaves((args, kwargs)) if isinstance(t, torch.Tensor)]
    ours = [t for t in tensors if isinstance(t, OnDevice)]
    theirs = [t for t in tensors if not isinstance(t, OnDevice) and t.dim()]
    # Every device takes indices of the CPU.
    indexing = function.overloadpacket in (torch.ops.aten.index, torch.ops.aten.index_put_)
    if (
        ours
        and theirs
        and function not in _COPIES
        and not (indexing and isinstance(args[0], OnDevice))
    ):
        raise RuntimeError(f"{function}: tensors of two devices")
    unwrapped = tree_map(lambda t: t.inner if isinstance(t, OnDevice) else t, (args, kwargs))
    result = function(*unwrapped[0], **unwrapped[1])
    if target == "cpu":
        return result
    if function in _COPIES and target is None and not isinstance(args[0], OnDevice):
        # Onto a tensor of the CPU.
        return args[0] if function is torch.ops.aten.copy_.default else result
    # An operation in place gives back what it was given.
    given = {id(t.inner): t for t in ours}
    return tree_map(lambda t: _as_given(t, given) if isinstance(t, torch.Tensor) else t, result)


def _as_given(tensor: torch.Tensor, given: dict[int, OnDevice]) -> OnDevice:
    return given[id(tensor)] if id(tensor) in given else OnDevice(tensor)


def _compute_at_once(function: Any, *args: Any, **kwargs: Any) -> Any:
    return _compute(function, args, kwargs)


def pretend() -> torch.device:
    """The device, from now on there in this process."""
    _setup_privateuseone_for_python_backend(PRETEND, _Module())
    library = torch.library.Library("aten", "IMPL")
    others = torch.library.Library("_", "IMPL")
    others.fallback(lambda function, *a, **k: _compute(function, a, k), "PrivateUse1")
    for name in _RESIZING:
        packet, _, overload = name.partition(".")
        function = getattr(getattr(torch.ops.aten, packet), overload or "default")
        library.impl(f"aten::{name}", partial(_compute_at_once, function), "PrivateUse1")
    # As long as it lives, it holds.
    pretend.libraries = library, others  # pyright: ignore[reportFunctionMemberAccess]
    return torch.device(PRETEND, 0)
