"""What every part of the study model shares."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ModelWrapValidatorHandler,
    StringConstraints,
    model_validator,
)
from pydantic_core import PydanticCustomError

# Names become folder names and Snakemake wildcards, so they hold no dot, slash or space.
Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]*$", max_length=60)]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Domain = Literal["object", "face_hq", "face_lq", "person", "pad", "mad"]

T = TypeVar("T")


def _each_once(values: tuple[T, ...]) -> tuple[T, ...]:
    twice = [value for i, value in enumerate(values) if value in values[:i]]
    if twice:
        raise ValueError(f"`{twice[0]}` is named twice")
    return values


# Lists in which a repetition would count something twice.
Distinct = Annotated[tuple[T, ...], AfterValidator(_each_once)]
DistinctSome = Annotated[tuple[T, ...], Field(min_length=1), AfterValidator(_each_once)]

# Labels are identities.
IDENTITY_DOMAINS: tuple[Domain, ...] = ("face_hq", "face_lq", "person")
# Labels are `bona_fide` or a kind of attack; presentation and morphing attack detection.
ATTACK_DOMAINS: tuple[Domain, ...] = ("pad", "mad")
BONA_FIDE = "bona_fide"


class Settings(BaseModel):
    """A part of the study. Unknown keys are refused; instances do not change."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        strict=False,
        allow_inf_nan=False,
        validate_default=True,
    )

    @model_validator(mode="wrap")
    @classmethod
    def _no_switch_as_number(cls, data: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        """Refuse `seed: yes`: YAML reads it as true, and Python would count true as 1."""
        made = handler(data)
        for key, value in data.items() if isinstance(data, dict) else ():
            for given, taken in zip(_items(value), _items(getattr(made, key)), strict=False):
                if isinstance(given, bool) and not isinstance(taken, bool):
                    raise PydanticCustomError("switch_as_number", "not a number", {"key": key})
        return made

    def to_json(self, **extra: Any) -> str:
        """Canonical JSON of these settings and `extra`."""
        return canonical_json({**self.model_dump(mode="json"), **extra})


def canonical_json(values: Mapping[str, Any]) -> str:
    """Equal values give equal text, in whatever order they come.

    Jobs get their part of a study in this form only, and Snakemake compares it to decide what reruns.
    """
    return json.dumps(values, sort_keys=True, separators=(",", ":"))


def _items(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list | tuple) else (value,)
