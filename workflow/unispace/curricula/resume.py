"""The state of an unfinished training, kept beside the checkpoints until it is done."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.optim import Optimizer

from unispace.backbones.devices import CPU
from unispace.backbones.tensors import write_tensors
from unispace.records.code import code_of
from unispace.records.files import sha256_of, sha256_of_text

log = logging.getLogger(__name__)

_LIBRARIES = (
    "torch",
    "torchvision",
    "timm",
    "open_clip_torch",
    "pytorch-metric-learning",
    "lightly",
    "torchjd",
)


def training_key(
    command: str, settings: str, files: Iterable[Path], threads: int, device: torch.device = CPU
) -> str:
    """Hash of everything that decides a training: settings, files, threads, device, code and libraries."""
    libraries = [f"{name} {version(name)}" for name in _LIBRARIES]
    contents = map(sha256_of, [*files, *code_of(command)])
    elsewhere = [] if device == CPU else [device.type]
    return sha256_of_text(settings, str(threads), *libraries, *contents, *elsewhere)


class Resume:
    """Saves and restores modules, their optimiser and the history, in a folder of this training alone.

    The folder's name holds the hash of everything that decides the training, so a state is never taken up by
    another one.
    """

    def __init__(self, folder: Path, key: str) -> None:
        self.folder = folder / key
        self.path = self.folder / "state.safetensors"

    @contextmanager
    def scratch(self) -> Iterator[Path]:
        """A folder for files that the training needs while it runs; what a killed run left is removed."""
        self.folder.mkdir(parents=True, exist_ok=True)
        for left in self.folder.iterdir():
            if left.is_dir():
                shutil.rmtree(left)
            elif left != self.path:
                left.unlink()
        folder = self.folder / "scratch"
        folder.mkdir()
        try:
            yield folder
        finally:
            # On network drives a file that is still mapped cannot go before the process does.
            shutil.rmtree(folder, ignore_errors=True)

    def save(self, step: int, modules: nn.Module, optimiser: Optimizer, history: Tensor) -> None:
        """Write the state after `step` steps.

        Raises:
            UserError: where the disk is full.
        """
        tensors = {f"module.{k}": v for k, v in modules.state_dict().items()}
        for number, state in optimiser.state_dict()["state"].items():
            tensors |= {f"optimiser.{number}.{k}": v for k, v in state.items()}
        write_tensors({**tensors, "step": torch.tensor(step), "history": history}, self.path)

    def load(self, modules: nn.Module, optimiser: Optimizer) -> tuple[int, Tensor] | None:
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
        """Forget the state; called when what was trained is on disk."""
        shutil.rmtree(self.folder, ignore_errors=True)


def _below(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}
