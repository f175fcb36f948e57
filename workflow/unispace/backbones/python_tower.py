"""Networks made by a function of the user's own."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

from torch import nn

from unispace.config.backbones import Backbone
from unispace.errors import UserError, did_you_mean
from unispace.records.files import sha256_of
from unispace.records.own_functions import LIBRARIES, allowed_code


def create_tower(settings: Backbone) -> nn.Module:
    """Call `module:function` with the options.

    What the function itself raises passes through with its traceback, which tells its author more than we could.

    Returns:
        Its module, which takes normalised images `(n, 3, size, size)` and gives `(n, d)`.

    Raises:
        UserError: where there is no such function, a study may not name it, it does not take the options, or returns
            no torch module.
    """
    function = _function(settings.architecture)
    try:
        inspect.signature(function).bind(**settings.options)
    except TypeError as error:
        raise UserError(
            f"{settings.architecture} does not take its options {settings.options}: {error}"
        ) from error
    made = function(**settings.options)
    if not isinstance(made, nn.Module):
        raise UserError(
            f"{settings.architecture} returned {type(made).__name__}, and has to return a torch.nn.Module"
        )
    return made


def code_sha256(architecture: str) -> str:
    """Checksum of the file that holds `module:function`; what it imports from elsewhere does not count.

    Raises:
        UserError: where there is no such function, or it has no source file.
    """
    module = _module(architecture)
    if module.__file__ is None:
        raise UserError(f"{architecture}: its module has no source file to record")
    return sha256_of(Path(module.__file__))


def _module(architecture: str) -> Any:
    name, file = architecture.partition(":")[0], allowed_code(architecture)
    try:
        module = importlib.import_module(name)
    except ModuleNotFoundError as error:
        raise UserError(
            f"{architecture}: no module `{error.name}`; put it beside the Snakefile, or install it"
        ) from error
    if file is not None and not file.samefile(module.__file__ or ""):
        raise UserError(
            f"{architecture}: an installed module `{name}` hides {file}; give the file another name"
        )
    return module


def _function(architecture: str) -> Callable[..., object]:
    module, name = _module(architecture), architecture.partition(":")[2]
    function = getattr(module, name, None)
    if not callable(function):
        there = [n for n, value in vars(module).items() if inspect.isfunction(value)]
        raise UserError(f"{architecture}: no function `{name}` there; {did_you_mean(name, there)}")
    # A module of a library also holds what it imports from elsewhere.
    origin = str(getattr(function, "__module__", ""))
    if origin != module.__name__ and not origin.startswith(LIBRARIES):
        raise UserError(
            f"{architecture}: `{name}` is made in `{origin}`, not there; write a function of your own that calls it"
        )
    return function
