"""What the audit of the data lets pass."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, Field

from unispace.config.base import Distinct, Settings

_PATTERN = "^(identities|images):[a-z0-9][a-z0-9_-]*:[a-z0-9][a-z0-9_-]*$"


def _of_leak(name: str) -> str:
    if not re.match(_PATTERN, name):
        raise ValueError(
            f"got {name!r}, needs identities:TRAINED:TESTED or images:TRAINED:TESTED, each with two data sets"
        )
    return name


# Kind, data set that is trained on, data set that is tested on.
Leak = Annotated[str, AfterValidator(_of_leak), Field(json_schema_extra={"pattern": _PATTERN})]


class Audit(Settings):
    """Which leaks from training into test are known and meant; all others stop the run."""

    allow: Distinct[Leak] = ()
    """Leaks that pass as notes: `identities:TRAINED:TESTED` or `images:TRAINED:TESTED`, each with two data sets."""
    model: str | None = None
    """Model whose embeddings of the evaluated data sets are searched for near copies: backbone/curriculum/seedN; none
    if left out."""
    alike: Annotated[float, Field(gt=0, lt=1)] = 0.25
    """Share of the usual distance to the nearest image (the median of a data set), below which two are near copies."""
    images_compared: Annotated[int, Field(ge=2)] = 20_000
    """At most this many images of each data set are compared by their embeddings (chosen by hash)."""
