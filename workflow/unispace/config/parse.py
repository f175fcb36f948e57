"""From YAML to a checked study, with errors that name the place and the remedy."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from datetime import date
from typing import Any, TypeVar

import yaml
from pydantic import ValidationError

from unispace.config.base import Settings
from unispace.config.described import described_schema
from unispace.config.lines import line_of, referring, without_space
from unispace.config.study import Study
from unispace.errors import UserError, did_you_mean

Location = tuple[str | int, ...]
Schema = dict[str, Any]
File = TypeVar("File", bound=Settings)

# What a value should have been, in the words of the field rather than of the validator.
_EXPECTED = {
    "int_parsing": "a whole number, such as 300",
    "int_type": "a whole number, such as 300",
    "int_from_float": "a whole number, such as 300",
    "float_parsing": "a number, such as 0.1",
    "float_type": "a number, such as 0.1",
    "switch_as_number": "a number",
    "string_type": "a text",
    "bool_parsing": "true or false",
    "dict_type": "a block of `key: value` lines",
    "model_type": "a block of `key: value` lines",
    "model_attributes_type": "a block of `key: value` lines",
    "tuple_type": "a list, such as [a, b]",
    "list_type": "a list, such as [a, b]",
}


def check_text(text: str, name: str) -> None:
    """Refuse a file that is no YAML, or that says something twice.

    Other loaders keep the last of two equal keys and drop the first without a word.

    Raises:
        UserError: with every problem found and its line.
    """
    load_yaml(text, name)


def load_yaml(text: str, name: str) -> Any:
    """Read YAML strictly.

    Args:
        text: the YAML text.
        name: what to call it in errors, normally the file's name.

    Raises:
        UserError: where the text is no YAML, or a key stands twice in one block.
    """
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        data = yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        crowded = without_space(text, mark.line) if mark else None
        if crowded:
            line, key = crowded
            raise UserError(
                f"{name}:{line}: no valid YAML: a space is missing behind `{key}:`; write `{key}: ...`"
            ) from None
        place = f"{name}:{mark.line + 1}" if mark else name
        what = " ".join(part for part in (error.context, error.problem) if part)
        hint = "; indent with spaces, not tabs" if "'\\t'" in what else ""
        raise UserError(f"{place}: no valid YAML: {what}{hint}") from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise UserError(f"{name}:{line}: no valid YAML: {error.reason}") from None
    except ValueError as error:  # a date or number that cannot be, such as 2020-13-45
        raise UserError(f"{name}: no valid YAML: {error}") from None
    twice = _doubled(node)
    if twice:
        lines = [
            f"  {name}:{line}: `{key}`: stands already in line {first}; delete one of the two"
            for line, key, first in twice
        ]
        raise UserError(_report(name, lines))
    return data


def _doubled(root: yaml.Node | None) -> list[tuple[int, str, int]]:
    """Line, dotted key and earlier line of every key that repeats one of its block."""
    found: list[tuple[int, str, int]] = []
    seen: set[int] = set()  # anchors make a node appear in several places, or within itself
    waiting: list[tuple[yaml.Node | None, str]] = [(root, "")]
    while waiting:
        node, path = waiting.pop()
        if node is None or id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, yaml.SequenceNode):
            waiting.extend((item, f"{path}{i}.") for i, item in enumerate(node.value))
        elif isinstance(node, yaml.MappingNode):
            lines: dict[tuple[str, str], int] = {}
            for key, value in node.value:
                name, line = (key.tag, str(key.value)), key.start_mark.line + 1
                if name in lines:
                    found.append((line, f"{path}{key.value}", lines[name]))
                lines.setdefault(name, line)
                waiting.append((value, f"{path}{key.value}."))
    return sorted(found)


def parse_study(data: Any, name: str = "config", text: str = "") -> Study:
    """Check a study.

    Args:
        data: the study as nested mappings.
        name: what to call it in errors, normally the file's name.
        text: the YAML text it came from, if known: errors then give line numbers.

    Raises:
        UserError: with every problem found: the key, the value, what is allowed.
    """
    if not isinstance(data, dict):
        what = "nothing" if data is None else f"{data!r:.60}"
        raise UserError(
            f"{name}: a study is a block of `key: value` lines that begins with `study: NAME`, got {what}"
        )
    return _validated(data, Study, name, text)


def parse_file(text: str, model: type[File], name: str, what: str) -> File:
    """Read and check another file of settings than a study.

    Args:
        text: its YAML.
        model: what it holds.
        name: what to call it in errors, normally its path.
        what: what it is and how it begins, in words.

    Raises:
        UserError: with every problem found: the line, the key, the value, what is allowed.
    """
    data = load_yaml(text, name)
    if not isinstance(data, dict):
        got = "nothing" if data is None else f"{data!r:.60}"
        raise UserError(f"{name}: {what}, got {got}")
    return _validated(data, model, name, text)


def _validated(data: dict[Any, Any], model: type[File], name: str, text: str) -> File:
    try:
        return model.model_validate(data)
    except ValidationError as error:
        schema = described_schema(model)
        found: list[dict[str, Any]] = [dict(problem) for problem in error.errors()]
        unknown: list[Location] = [p["loc"] for p in found if p["type"] == "extra_forbidden"]
        problems = [
            line
            for problem in found
            if not _follows(problem, unknown)
            for line in _describe(problem, schema, name, text).split("\n")
        ]
    raise UserError(_report(name, problems)) from None


def _follows(problem: dict[str, Any], unknown: Sequence[Location]) -> bool:
    """Whether a problem only follows from another one that is reported already.

    That is so of a list that is too short because its entries are wrong, and of a key that is missing because
    it is misspelt: an unknown key of the same block resembles it.
    """
    if problem["type"] == "missing":
        *block, key = problem["loc"]
        beside = [str(location[-1]) for location in unknown if [*location[:-1]] == block]
        return bool(difflib.get_close_matches(str(key), beside, n=1))
    return problem["type"] == "too_short" and len(problem["input"]) >= problem["ctx"]["min_length"]


def _report(name: str, problems: list[str]) -> str:
    count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
    return f"{name}: {count}\n" + "\n".join(problems)


def _describe(problem: dict[str, Any], schema: Schema, name: str, text: str) -> str:
    kind, value, context = problem["type"], problem["input"], problem.get("ctx", {})
    location = problem["loc"]
    if kind == "switch_as_number":  # a whole block is checked, the message is about one of its keys
        location, value = (*location, context["key"]), value[context["key"]]
    path, block, here = _walk(schema, location)
    key = ".".join(str(part) for part in path)
    line = line_of(text, [*path, "kind"] if kind == "union_tag_invalid" else path)
    place = f"  {name}:{line}: " if line else "  "
    if kind == "extra_forbidden":
        hint = did_you_mean(str(path[-1]), block.get("properties", {}))
        return f"{place}`{key}`: unknown key, {hint}"
    if kind == "missing" and isinstance(path[-1], int):
        return f"{place}`{key}`: missing; the list needs an entry more"
    if kind == "missing":
        about = block.get("properties", {}).get(path[-1], {}).get("description", "")
        about = " ".join(about.split()).rstrip(".").replace("; ", ", ")
        more = f" ({about})" if about else ""
        return f"{place}`{key}`: missing; add the line `{path[-1]}: ...`{more}"
    if kind in ("too_short", "too_long"):
        least_or_most = "at least" if kind == "too_short" else "at most"
        length = context["min_length" if kind == "too_short" else "max_length"]
        return f"{place}`{key}`: got {value!r}, needs {least_or_most} {length} of them"
    if location and location[-1] == "[key]" and kind == "string_type":
        return f"{place}`{key}`: a name must be a text; write it in quotes"
    if kind == "value_error":
        message = str(context["error"])
        return f"{place}`{key}`: {message}" if key else referring(message, name, text)
    if kind == "string_pattern_mismatch" and context["pattern"].startswith("^[a-z0-9]["):
        return f"{place}`{key}`: a name holds small letters, digits, - and _ only, got {value!r}"
    if kind in ("union_tag_invalid", "union_tag_not_found"):
        allowed = [tag.strip(" '") for tag in context.get("expected_tags", "").split(",")]
        if kind == "union_tag_not_found":
            allowed = sorted(here.get("discriminator", {}).get("mapping", {}))
            # Where a name can stand for its kind, it may be misspelt.
            near = difflib.get_close_matches(str(path[-1]), allowed, n=1, cutoff=0.75)
            hint = f"; did you mean `{near[0]}: ...`?" if near else ""
            return f"{place}`{key}.kind`: missing; one of: {', '.join(allowed)}{hint}"
        return (
            f"{place}`{key}.kind`: got {context['tag']!r}, {did_you_mean(context['tag'], allowed)}"
        )
    if kind == "literal_error":
        allowed = [word.strip(" '") for word in context["expected"].replace(" or ", ",").split(",")]
        return f"{place}`{key}`: got {value!r}, {did_you_mean(str(value), allowed)}"
    expected = _EXPECTED.get(kind)
    if expected:
        hint = _block_hint(str(path[-1]), value, here) if "block" in expected else ""
        if kind == "string_type" and isinstance(value, int | float | date):
            hint = "; write it in quotes"
        return f"{place}`{key}`: got {value!r}, needs {expected}{hint}"
    return f"{place}`{key}`: got {value!r}. {problem['msg']}"


def _block_hint(key: str, value: Any, schema: Schema) -> str:
    """Of a block that has kinds, how it begins: with the kind that was written in its place, if that is one."""
    kinds = sorted(schema.get("discriminator", {}).get("mapping", {}))
    if value in kinds:
        return f"; write `{key}: {{ kind: {value} }}`, with its further keys"
    return f", of which one is `kind`: {', '.join(kinds)}" if kinds else ""


def _walk(schema: Schema, location: Location) -> tuple[list[str | int], Schema, Schema]:
    """Follow an error's location through the JSON schema.

    Pydantic puts the tag of a union into the location; it is no key of the file and left out here.

    Returns:
        The keys as they stand in the file, the schema of the block that holds the last of them, and the
        schema of what the last of them stands for.
    """
    path: list[str | int] = []
    here = holder = _resolve(schema, schema)
    for part in location:
        if isinstance(part, str) and part in here.get("discriminator", {}).get("mapping", {}):
            here = _resolve({"$ref": here["discriminator"]["mapping"][part]}, schema)
            continue
        # Values that are one or several of a kind are told apart by a tag too, and are no block with keys.
        if part == "[key]":
            continue
        if isinstance(part, str) and "oneOf" in here:
            blocks = (option for option in here["oneOf"] if option.get("type") == "object")
            here = next(blocks, here) if part == "several" else here
            continue
        holder = here
        path.append(part)
        if isinstance(part, int):
            inner = here.get("items", {})
        else:
            inner = here.get("properties", {}).get(part) or _any_key(here)
        here = _resolve(inner if isinstance(inner, dict) else {}, schema)
    return path, holder, here


def _any_key(schema: Schema) -> Schema:
    """The schema of the values of a mapping with free keys."""
    free = schema.get("additionalProperties")
    return next(
        iter(schema.get("patternProperties", {}).values()), free if isinstance(free, dict) else {}
    )


def _resolve(part: Schema, root: Schema) -> Schema:
    """A schema without references; of `X or null`, X."""
    if "$ref" in part:
        return _resolve(root["$defs"][part["$ref"].rsplit("/", 1)[-1]], root)
    options = [o for o in part.get("anyOf", ()) if o.get("type") != "null"]
    return _resolve(options[0], root) if len(options) == 1 else part
