"""From a mapping, as YAML gives it, to a checked study, with errors that name the remedy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import yaml
from pydantic import ValidationError

from unispace.config.study import Study
from unispace.errors import UserError, did_you_mean

Location = tuple[str | int, ...]
Schema = dict[str, Any]

# What a value should have been, in the words of the field rather than of the validator.
_EXPECTED = {
    "int_parsing": "a whole number, such as 300",
    "int_type": "a whole number, such as 300",
    "int_from_float": "a whole number, such as 300",
    "float_parsing": "a number, such as 0.1",
    "float_type": "a number, such as 0.1",
    "string_type": "a text",
    "bool_parsing": "true or false",
    "dict_type": "a block of `key: value` lines",
    "model_type": "a block of `key: value` lines",
    "model_attributes_type": "a block of `key: value` lines",
    "tuple_type": "a list, such as [a, b]",
    "list_type": "a list, such as [a, b]",
}


def parse_study(data: Mapping[str, Any], name: str = "config", text: str = "") -> Study:
    """Check a study.

    Args:
        data: the study as nested mappings.
        name: what to call it in errors, normally the file's name.
        text: the YAML text it came from, if known: errors then give line numbers.

    Raises:
        UserError: with every problem found: the key, the value, what is allowed.
    """
    try:
        return Study.model_validate(data)
    except ValidationError as error:
        schema = Study.model_json_schema()
        problems = [_describe(dict(problem), schema, name, text) for problem in error.errors()]
    count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
    raise UserError(f"{name}: {count}\n" + "\n".join(problems)) from None


def _describe(problem: dict[str, Any], schema: Schema, name: str, text: str) -> str:
    path, here = _walk(schema, problem["loc"])
    key = ".".join(str(part) for part in path)
    line = line_of(text, path)
    place = f"  {name}:{line}: " if line else "  "
    kind, value, context = problem["type"], problem["input"], problem.get("ctx", {})
    if kind == "extra_forbidden":
        hint = did_you_mean(str(path[-1]), here.get("properties", {}))
        return f"{place}`{key}`: unknown key, {hint}"
    if kind == "missing":
        about = _resolve(here.get("properties", {}).get(path[-1], {}), schema).get(
            "description", ""
        )
        return f"{place}`{key}`: missing; add the line `{path[-1]}: ...` {about}".rstrip()
    if kind == "value_error":
        message = str(context["error"])
        return f"{place}`{key}`: {message}" if key else _references(message, name, text)
    if kind == "string_pattern_mismatch" and context["pattern"].startswith("^[a-z0-9]["):
        return f"{place}`{key}`: a name holds small letters, digits, - and _ only, got {value!r}"
    if kind in ("union_tag_invalid", "union_tag_not_found"):
        allowed = [tag.strip(" '") for tag in context.get("expected_tags", "").split(",")]
        if kind == "union_tag_not_found":
            allowed = sorted(here.get("discriminator", {}).get("mapping", {}))
            return f"{place}`{key}.kind`: missing; one of: {', '.join(allowed)}"
        return (
            f"{place}`{key}.kind`: got {context['tag']!r}, {did_you_mean(context['tag'], allowed)}"
        )
    if kind == "literal_error":
        allowed = [word.strip(" '") for word in context["expected"].replace(" or ", ",").split(",")]
        return f"{place}`{key}`: got {value!r}, {did_you_mean(str(value), allowed)}"
    expected = _EXPECTED.get(kind)
    if expected:
        return f"{place}`{key}`: got {value!r}, needs {expected}"
    return f"{place}`{key}`: got {value!r}. {problem['msg']}"


def _references(message: str, name: str, text: str) -> str:
    """Problems between parts of a study, one a line and each opening with its key."""
    lines = []
    for problem in message.split("\n"):
        line = line_of(text, problem.split(":")[0].split(" ")[0].split("."))
        lines.append(f"  {name}:{line}: {problem}" if line else f"  {problem}")
    return "\n".join(lines)


def _walk(schema: Schema, location: Location) -> tuple[list[str | int], Schema]:
    """Follow an error's location through the JSON schema.

    Pydantic puts the tag of a union into the location; it is no key of the file and left out here.

    Returns:
        The keys as they stand in the file, and the schema of the block that holds the last of them.
    """
    path: list[str | int] = []
    here = holder = _resolve(schema, schema)
    for part in location:
        if isinstance(part, str) and part in here.get("discriminator", {}).get("mapping", {}):
            here = _resolve({"$ref": here["discriminator"]["mapping"][part]}, schema)
            continue
        if part == "[key]":
            continue
        holder = here
        path.append(part)
        if isinstance(part, int):
            inner = here.get("items", {})
        else:
            inner = here.get("properties", {}).get(part) or _any_key(here)
        here = _resolve(inner if isinstance(inner, dict) else {}, schema)
    return path, here if "discriminator" in here else holder


def _any_key(schema: Schema) -> Schema:
    """The schema of the values of a mapping with free keys."""
    return next(iter(schema.get("patternProperties", {}).values()), {})


def _resolve(part: Schema, root: Schema) -> Schema:
    """A schema without references; of `X or null`, X."""
    if "$ref" in part:
        return _resolve(root["$defs"][part["$ref"].rsplit("/", 1)[-1]], root)
    options = [o for o in part.get("anyOf", ()) if o.get("type") != "null"]
    return _resolve(options[0], root) if len(options) == 1 else part


def line_of(text: str, path: Sequence[str | int]) -> int | None:
    """The line (from 1) on which a key stands, or that of the nearest block above it.

    Returns:
        None where the text is empty or does not hold even the first key.
    """
    node = yaml.compose(text, Loader=yaml.SafeLoader) if text else None
    line = None
    for part in path:
        if isinstance(node, yaml.MappingNode):
            found = [(k, v) for k, v in node.value if k.value == str(part)]
            if not found:
                break
            line, node = found[0][0].start_mark.line + 1, found[0][1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int):
            if part >= len(node.value):
                break
            node = node.value[part]
            line = node.start_mark.line + 1
    return line
