"""The state of an unfinished training, kept beside the checkpoints until it is done."""

from __future__ import annotations

import logging
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.optim import Optimizer

from unispace.records.files import replacing

log = logging.getLogger(__name__)


class Resume:
    """Saves and restores modules, their optimiser and the history.

    The file's name holds the hash of everything that decides the training, so a state is never taken up by
    another one.
    """

    def __init__(self, folder: Path, key: str) -> None:
        self.path = folder / f"{key}.safetensors"

    def save(
        self, step: int, modules: nn.ModuleDict, optimiser: Optimizer, history: Tensor
    ) -> None:
        """Write the state after `step` steps."""
        tensors = {f"module.{k}": v.contiguous() for k, v in modules.state_dict().items()}
        for number, state in optimiser.state_dict()["state"].items():
            tensors |= {f"optimiser.{number}.{k}": v.contiguous() for k, v in state.items()}
        tensors |= {"step": torch.tensor(step), "history": history}
        with replacing(self.path) as temporary:
            save_file(tensors, temporary)

    def load(self, modules: nn.ModuleDict, optimiser: Optimizer) -> tuple[int, Tensor] | None:
        """Restore the state; returns the steps done and the history, or None where there is nothing."""
        if not self.path.is_file():
            return None
        try:
            tensors = load_file(self.path)
        except SafetensorError as error:
            log.warning("unfinished training %s is damaged (%s); starting over", self.path, error)
            return None
        modules.load_state_dict(_below(tensors, "module."))
        state: dict[int, dict[str, Tensor]] = {}
        for name, tensor in _below(tensors, "optimiser.").items():
            number, key = name.split(".", 1)
            state.setdefault(int(number), {})[key] = tensor
        optimiser.load_state_dict({**optimiser.state_dict(), "state": state})
        return int(tensors["step"]), tensors["history"]

    def clear(self) -> None:
        """Forget the state; the training is done."""
        self.path.unlink(missing_ok=True)


def _below(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}
