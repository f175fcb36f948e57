"""The schema of a study with what each key means, which stands in the source below the key."""

from __future__ import annotations

import ast
import inspect
import sys
from functools import cache
from itertools import pairwise
from typing import Any

from unispace.config.base import Settings
from unispace.config.study import Study


def study_schema() -> dict[str, Any]:
    """The JSON schema of a study, with a `description` of each key."""
    return described_schema(Study)


def described_schema(model: type[Settings]) -> dict[str, Any]:
    """The JSON schema of a whole file of settings, with a `description` of each key.

    Only the reference page and messages about errors need it. Pydantic could take the descriptions when it makes the
    classes, but then every job reads the source of each of them: that was more than half of the start of a job.
    """
    schema = model.model_json_schema()
    blocks = {model.__name__: schema, **schema.get("$defs", {})}
    for settings in _below(Settings):
        properties = blocks.get(settings.__name__, {}).get("properties", {})
        # What a class says of a key comes before what those say that it is made of.
        for part in reversed(settings.__mro__):
            for key, about in _documented(part).items():
                if key in properties:
                    properties[key]["description"] = about
    return schema


def _below(settings: type[Settings]) -> list[type[Settings]]:
    """All kinds of settings that are made of one."""
    return [c for direct in settings.__subclasses__() for c in (direct, *_below(direct))]


def _documented(part: type) -> dict[str, str]:
    """What stands in a class below its keys."""
    if not issubclass(part, Settings):
        return {}
    found = {}
    body = _classes(part.__module__)[part.__name__].body
    for key, about in pairwise(body):
        if (
            isinstance(key, ast.AnnAssign)
            and isinstance(key.target, ast.Name)
            and isinstance(about, ast.Expr)
            and isinstance(about.value, ast.Constant)
            and isinstance(about.value.value, str)
        ):
            found[key.target.id] = inspect.cleandoc(about.value.value)
    return found


@cache
def _classes(module: str) -> dict[str, ast.ClassDef]:
    """The classes at the top of a module."""
    source = inspect.getsource(sys.modules[module])
    return {node.name: node for node in ast.parse(source).body if isinstance(node, ast.ClassDef)}
