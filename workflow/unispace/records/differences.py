"""What differs between two sets of parameters, and which key of the study that is."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any


class _Absent:
    """Stands where a value was not, or is no more."""

    def __repr__(self) -> str:
        return "absent"


ABSENT = _Absent()

# Blocks of the study whose keys are names of the user's own.
_NAMED = ("datasets", "backbones", "curricula", "embeddings")

# Longest value that is shown whole.
_SHOWN = 60


@dataclass(frozen=True)
class Difference:
    """One value that was another.

    Attributes:
        path: the keys that lead to it; empty for a parameter that is no JSON.
        old, new: values as JSON has them, `ABSENT` where there was or is none.
    """

    path: tuple[str, ...]
    old: Any
    new: Any

    def text(self) -> str:
        """`old -> new`; of lists what came and what went."""
        old, new = self.old, self.new
        if _plain_list(old) and _plain_list(new):
            came, went = [v for v in new if v not in old], [v for v in old if v not in new]
            said = [f"with {_short(came)}"] if came else []
            said += [f"without {_short(went)}"] if went else []
            if said:
                return ", ".join(said)
        return f"{_short(old)} -> {_short(new)}"


def differences(old: Sequence[str], new: Sequence[str]) -> list[Difference]:
    """What differs between the parameters of a job, then and now.

    Args:
        old: as Snakemake recorded them: Python literals, of which the settings are texts of JSON.
        new: as it would record them now.
    """
    gone = [_value(text) for text in old if text not in new]
    come = [_value(text) for text in new if text not in old]
    found: list[Difference] = []
    for settings in [value for value in gone if isinstance(value, dict)]:
        others = [value for value in come if isinstance(value, dict)]
        if others:
            nearest = max(others, key=lambda other: len(settings.keys() & other.keys()))
            found += _walk((), settings, nearest)
            gone.remove(settings)
            come.remove(nearest)
    while gone or come:
        found.append(
            Difference((), gone.pop(0) if gone else ABSENT, come.pop(0) if come else ABSENT)
        )
    return found


class StudyKeys:
    """Finds the key of the study, such as `curricula.imic-a.steps`, that a value in a job's settings comes from.

    Jobs get parts of the study, so the ends of both paths are compared: the longest that agree, with the value of now,
    and among these the one whose path holds the names that the job is about.
    """

    def __init__(self, study: Mapping[str, Any]) -> None:
        """Take the whole study, defaults filled in."""
        self._ending: dict[str, list[tuple[tuple[str, ...], Any]]] = {}
        for path, value in _nodes((), study):
            self._ending.setdefault(path[-1], []).append((path, value))

    def key_of(self, path: Sequence[str], value: Any, names: Sequence[str]) -> str | None:
        """The key of the study.

        Args:
            path: the keys that lead to the value in the settings.
            value: what stands there now.
            names: what the job is about: its wildcards.

        Returns:
            None where no key agrees, or several do.
        """
        about = {*_parts(names), *path}
        ranked: dict[tuple[bool, int, int], list[tuple[str, ...]]] = {}
        for found, there in self._ending.get(path[-1], ()) if path else ():
            if found[0] in _NAMED and len(found) > 1 and found[1] not in about:
                continue
            shared, same = _shared_end(found, path), there == value
            if same or shared == len(found):
                ranked.setdefault((same, shared, len(about & set(found))), []).append(found)
        best = ranked[max(ranked)] if ranked else []
        return ".".join(best[0]) if len(best) == 1 else None

    def keys_of(self, params: Sequence[str], names: Sequence[str]) -> set[str]:
        """The keys of the study, to their second part, that recorded parameters hold.

        Args:
            params: as Snakemake records them.
            names: what the job is about.
        """
        keys = set[str]()
        named = {*names, *words_of(params)}
        for settings in [v for v in map(_value, params) if isinstance(v, dict)]:
            for path, value in _leaves((), settings):
                if isinstance(value, str) and _parts([value]) <= _parts(names):
                    # Only says which of several jobs this is.
                    continue
                key = self.key_of(path, value, [*named])
                keys |= {".".join(key.split(".")[:2])} if key else set()
        return keys


def words_of(params: Sequence[str]) -> set[str]:
    """The names in recorded settings: what a job is about, beside its wildcards."""
    return {
        word
        for settings in [v for v in map(_value, params) if isinstance(v, dict)]
        for _, value in _leaves((), settings)
        for word in (value if isinstance(value, list) else [value])
        if isinstance(word, str)
    }


def _parts(names: Iterable[str]) -> set[str]:
    return {part for name in names for part in name.replace("+", "/").split("/")}


def _value(text: str) -> Any:
    """A recorded parameter as data where it is settings, else as text."""
    try:
        value = ast.literal_eval(text)
    except (SyntaxError, ValueError):
        return text
    if not isinstance(value, str):
        return value
    try:
        inner = json.loads(value)
    except ValueError:
        return value
    return inner if isinstance(inner, dict) else value


def _walk(path: tuple[str, ...], old: Any, new: Any) -> Iterator[Difference]:
    if old == new:
        return
    before, after = _mapping(old), _mapping(new)
    if before is None or after is None:
        yield Difference(path, old, new)
        return
    for key in dict.fromkeys((*before, *after)):
        yield from _walk((*path, str(key)), before.get(key, ABSENT), after.get(key, ABSENT))
    if before == after:
        # Pairs that only stand in another order.
        yield Difference(path, list(before), list(after))


def _mapping(value: Any) -> Mapping[str, Any] | None:
    """A block of keys; pairs, which keep their order in settings, are one too."""
    if isinstance(value, dict):
        return value
    pairs = isinstance(value, list) and bool(value)
    if pairs and all(isinstance(v, list) and len(v) == 2 and isinstance(v[0], str) for v in value):
        found: dict[str, Any] = dict(value)
        return found if len(found) == len(value) else None
    return None


def _nodes(path: tuple[str, ...], value: Any) -> Iterator[tuple[tuple[str, ...], Any]]:
    """All keys of a study with what stands there, blocks too."""
    if path:
        yield path, value
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _nodes((*path, str(key)), inner)


def _leaves(path: tuple[str, ...], value: Any) -> Iterator[tuple[tuple[str, ...], Any]]:
    """The values of settings, without blocks."""
    inner = _mapping(value)
    if inner is None:
        yield path, value
        return
    for key, of in inner.items():
        yield from _leaves((*path, str(key)), of)


def _shared_end(one: Sequence[str], other: Sequence[str]) -> int:
    count = 0
    for a, b in zip(reversed(one), reversed(other), strict=False):
        if a != b:
            break
        count += 1
    return count


def _plain_list(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(v, str | int | float) for v in value)


def _short(value: Any) -> str:
    if value is ABSENT:
        return "(none)"
    text = json.dumps(value, ensure_ascii=False) if not isinstance(value, str) else value
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 4]} ..."
