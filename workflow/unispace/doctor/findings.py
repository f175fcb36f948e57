"""What the doctor finds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

Severity = Literal["ok", "note", "warning", "error"]

# An error keeps a run from beginning or from coming to its end.
_ORDER: tuple[Severity, ...] = ("error", "warning", "note", "ok")


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        check: what was looked at: config, sources, images, networks, weights, licences, disk, memory, time, devices, files, lock,
            versions, dvc, provenance, plan.
        severity: `error` keeps the run from beginning or ending, `warning` may, `note` is to be known.
        message: what is so.
        remedy: what to do; empty where nothing need be done.
    """

    check: str
    severity: Severity
    message: str
    remedy: str = ""

    def text(self) -> str:
        """The finding as one line."""
        remedy = f" -> {_one_line(self.remedy)}" if self.remedy else ""
        return f"{self.severity:<8} {self.check:<10} {_one_line(self.message)}{remedy}"


@dataclass(frozen=True)
class Diagnosis:
    """All findings about a study.

    Attributes:
        study: its file.
        findings: the worst first.
    """

    study: str
    findings: tuple[Finding, ...]

    @property
    def healthy(self) -> bool:
        """Whether nothing keeps the study from running to its end."""
        return all(finding.severity != "error" for finding in self.findings)

    def text(self) -> str:
        """A line for each finding, and one that counts them."""
        counts = [(sum(f.severity == s for f in self.findings), s) for s in _ORDER]
        said = ", ".join(f"{count} {severity}" for count, severity in counts if count)
        return "\n".join([*(f.text() for f in self.findings), f"{self.study}: {said}"])

    def as_json(self) -> dict[str, Any]:
        """For machines."""
        return {
            "study": self.study,
            "healthy": self.healthy,
            "findings": [asdict(finding) for finding in self.findings],
        }


def diagnosis(study: str, findings: Iterable[Finding]) -> Diagnosis:
    """Put findings in order, the worst first."""
    return Diagnosis(study, tuple(sorted(findings, key=lambda f: _ORDER.index(f.severity))))


def errors(check: str, problems: Sequence[str]) -> list[Finding]:
    """Findings from messages of errors, which end with their remedy: on a line of its own, or after a semicolon."""
    return [Finding(check, "error", *_divided(problem)) for problem in problems]


def _divided(problem: str) -> tuple[str, str]:
    before, _, last = problem.rstrip().rpartition("\n" if "\n" in problem.rstrip() else "; ")
    return (before, last) if before else (last, "")


def _one_line(text: str) -> str:
    return " ".join(text.split())
