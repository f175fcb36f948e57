"""The editor schema and the reference page, both made from the study model."""

from __future__ import annotations

import json
from typing import Any

from unispace.config.described import study_schema

_HEAD = """# Every key of a study

Made from `workflow/unispace/config` by `make schema`; a test fails when it is out of date.
Keys in *slanted* type stand for names of your choice. A key without default must be given.
"""


def schema_text() -> str:
    """The JSON schema of a study, for editors."""
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **study_schema(),
    }
    return json.dumps(schema, indent=2, sort_keys=True) + "\n"


def reference_text() -> str:
    """The reference page: one table for each block of a study."""
    schema = study_schema()
    blocks = [("study file", schema)]
    blocks += [(name, block) for name, block in schema["$defs"].items() if "properties" in block]
    text = [_HEAD]
    for name, block in blocks:
        text += ["", f"## {name}", "", block.get("description", ""), ""]
        if not block["properties"]:
            text.append("No keys: write `{}`.")
            continue
        text += ["| key | value | default | meaning |", "| --- | --- | --- | --- |"]
        for key, field in block["properties"].items():
            default = "" if key in block.get("required", ()) else _shown(field.get("default"))
            about = field.get("description", "").replace("\n", " ").replace("|", "\\|")
            text.append(f"| `{key}` | {_type(field)} | {default} | {about} |")
    return "\n".join(text).rstrip() + "\n"


def _shown(default: Any) -> str:
    return "none" if default is None else f"`{json.dumps(default)}`"


def _type(field: dict[str, Any]) -> str:
    """A value's type and bounds in words."""
    if "$ref" in field:
        name = field["$ref"].rsplit("/", 1)[-1]
        return f"[{name}](#{name.lower()})"
    for union in ("anyOf", "oneOf"):
        if union in field:
            return " or ".join(
                _type(option) for option in field[union] if option != {"type": "null"}
            )
    if "const" in field:
        return f"`{field['const']}`"
    if "enum" in field:
        return ", ".join(f"`{value}`" for value in field["enum"])
    kind = str(field.get("type", "any"))
    if kind == "object":
        values = [*field.get("patternProperties", {}).values(), field.get("additionalProperties")]
        inner = next((v for v in values if isinstance(v, dict)), None)
        return f"*name*: {_type(inner)}" if inner else "keys and values"
    if kind == "array":
        if "prefixItems" in field:
            return f"[{', '.join(_type(item) for item in field['prefixItems'])}]"
        return f"list of {_type(field['items'])}"
    words = {
        "integer": "whole number",
        "number": "number",
        "string": "text",
        "boolean": "true/false",
    }
    return " ".join([words.get(kind, kind), *_bounds(field)])


def _bounds(field: dict[str, Any]) -> list[str]:
    signs = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<"}
    return [f"{sign} {field[key]:.12g}" for key, sign in signs.items() if key in field]
