"""What every part of the study model shares."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, StringConstraints

# Names become folder names and Snakemake wildcards, so they hold no dot, slash or space.
Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]*$", max_length=60)]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Domain = Literal["object", "face_hq", "face_lq", "person"]

IDENTITY_DOMAINS: tuple[Domain, ...] = ("face_hq", "face_lq", "person")


class Settings(BaseModel):
    """A part of the study. Unknown keys are refused; instances do not change."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        strict=False,
        validate_default=True,
        use_attribute_docstrings=True,
    )

    def to_json(self, **extra: Any) -> str:
        """Canonical JSON of these settings and `extra`: equal settings give equal text.

        Snakemake compares this text to decide what reruns.
        """
        return json.dumps(
            {**self.model_dump(mode="json"), **extra}, sort_keys=True, separators=(",", ":")
        )
