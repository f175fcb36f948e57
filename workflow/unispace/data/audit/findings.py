"""What the audit says: rows of its table, and leaks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from unispace.data.audit.parts import Part
from unispace.records.audit import Severity

_NAMED = 5

_REMEDIES = {
    "identities": "give both the same `splits` by hash, or mend the column `split` of their manifests, "
    "so that each identity is on one side only",
    "images": "remove the copies from one of the two sides",
}


@dataclass(frozen=True)
class Leak:
    """What stands in a part that is trained on and in a part that is tested on.

    Attributes:
        kind: identities or images.
        trained: the part that is trained on.
        tested: the part that is tested on.
        subjects: names of the identities, or ids of the tested images.
        images: how many tested images are concerned.
        allowed: whether the study lets it pass.
    """

    kind: str
    trained: Part
    tested: Part
    subjects: tuple[str, ...]
    images: int
    allowed: bool

    @property
    def name(self) -> str:
        """What the study writes to let it pass."""
        return leak_name(self.kind, self.trained, self.tested)

    def sentence(self) -> str:
        """What is wrong, and what can be done."""
        return (
            f"{len(self.subjects)} {self.kind} of {self.trained} stand in {self.tested} too: "
            f"{some(self.subjects)}\n    Mend the data: {_REMEDIES[self.kind]}. "
            f'If it is meant, let it pass: `audit: {{ allow: ["{self.name}"] }}`'
        )

    def row(self) -> dict[str, Any]:
        """Its row in the table."""
        detail = f"{self.images} tested images; " if self.kind == "identities" else ""
        allowed = "; let pass by audit.allow" if self.allowed else ""
        return finding(
            self.tested.dataset,
            "shared-identities" if self.kind == "identities" else "exact-duplicates",
            both(self.trained, self.tested),
            len(self.subjects),
            f"{detail}{some(self.subjects)}{allowed}",
            "note" if self.allowed else "error",
        )


def leak_name(kind: str, trained: Part, tested: Part) -> str:
    """Name of a leak in `audit.allow`."""
    return f"{kind}:{trained.dataset}:{tested.dataset}"


def both(one: Part, other: Part) -> str:
    """The subject of a row about one part or two."""
    return str(one) if one == other else f"{one} + {other}"


def some(names: Sequence[str]) -> str:
    """The first few of many names, and how many there are beyond."""
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more} more" if more > 0 else "")


def finding(
    dataset: str,
    check: str,
    subject: str,
    count: int,
    detail: str = "",
    severity: Severity = "ok",
) -> dict[str, Any]:
    """A row of the audit's table."""
    return {
        "dataset": dataset,
        "check": check,
        "subject": subject,
        "count": count,
        "detail": detail,
        "severity": severity,
    }
