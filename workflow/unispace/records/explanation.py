"""What a run would do, why and at what cost: as text for people and as data for machines."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from unispace.records.benchmarks import Cost, Costs, wall_seconds
from unispace.records.plan import Plan, PlannedJob
from unispace.records.reasons import Cause, Explained

# Jobs and modules of one cause that are named before the rest is counted.
_SHOWN = 4


@dataclass(frozen=True)
class Explanation:
    """The jobs of a study that would run.

    Attributes:
        study: its name.
        total: all its jobs.
        explained: those that would run, each with its cost.
        wall: seconds on `cores`.
        cores: how many.
    """

    study: str
    total: int
    explained: tuple[tuple[Explained, Cost], ...]
    wall: float
    cores: int

    @property
    def cpu(self) -> float:
        """CPU seconds of all jobs."""
        return sum(cost.taken.cpu for _, cost in self.explained)

    @property
    def unknown(self) -> list[str]:
        """Rules of whose jobs nothing is known."""
        return sorted({e.job.rule for e, cost in self.explained if cost.known == "unknown"})

    def text(self) -> str:
        """For people: causes with their jobs, what follows, and the cost of each rule."""
        if not self.explained:
            return f"study {self.study}: nothing would run; all {self.total} jobs are up to date"
        lines = [
            f"study {self.study}: {len(self.explained)} of {self.total} jobs would run, {self.price()}"
        ]
        by_cause: dict[tuple[Cause, ...], list[PlannedJob]] = defaultdict(list)
        follow: list[PlannedJob] = []
        for explained, _ in self.explained:
            if explained.causes:
                by_cause[explained.causes].append(explained.job)
            else:
                follow.append(explained.job)
        for causes, jobs in _merged(by_cause).items():
            lines += ["", *_causes(causes), *_jobs(jobs)]
        if follow:
            lines += ["", "because these run:", *_jobs(follow)]
        return "\n".join([*lines, "", *self._costs()])

    def price(self) -> str:
        """CPU and wall time in words."""
        least = "at least " if self.unknown else "about "
        return f"{least}{duration(self.cpu)} of CPU, {duration(self.wall)} on {self.cores} cores"

    def as_json(self) -> dict[str, Any]:
        """For machines: every job with its causes, in the order of the plan."""
        numbers = {id(e.job): n for n, (e, _) in enumerate(self.explained)}
        return {
            "study": self.study,
            "jobs_of_study": self.total,
            "cpu_seconds": round(self.cpu, 2),
            "wall_seconds": round(self.wall, 2),
            "cores": self.cores,
            "unknown_costs": self.unknown,
            "jobs": [
                {
                    "number": numbers[id(e.job)],
                    "rule": e.job.rule,
                    "wildcards": e.job.wildcards,
                    "outputs": list(e.job.outputs),
                    "causes": [
                        {"kind": c.kind, "what": c.what, "change": c.change} for c in e.causes
                    ],
                    "follows": list(e.job.reason.follows),
                    "cpu_seconds": cost.taken.cpu,
                    "wall_seconds": cost.taken.wall,
                    "memory_mb": cost.taken.memory,
                    "cost_known_from": cost.known,
                }
                for e, cost in self.explained
            ],
        }

    def _costs(self) -> list[str]:
        rows: dict[str, list[Cost]] = defaultdict(list)
        for explained, cost in self.explained:
            rows[explained.job.rule].append(cost)
        width = max(map(len, rows))
        lines = [f"{'rule':<{width}}   jobs   CPU s  wall s  known from"]
        for rule, costs in sorted(rows.items(), key=lambda row: -sum(c.taken.cpu for c in row[1])):
            cpu, wall = (sum(c.taken.cpu for c in costs), sum(c.taken.wall for c in costs))
            known = ", ".join(sorted({c.known for c in costs}))
            lines.append(f"{rule:<{width}}  {len(costs):>5}  {cpu:>6.0f}  {wall:>6.0f}  {known}")
        return lines


def explanation(
    study: str, plan: Plan, explained: Sequence[Explained], costs: Costs, cores: int
) -> Explanation:
    """Put jobs and costs together.

    Args:
        study: its name.
        plan: all jobs.
        explained: those that would run.
        costs: what jobs take.
        cores: how many there are.
    """
    priced = tuple((e, costs.of(e.job)) for e in explained)
    numbers = {id(job): number for number, job in enumerate(plan.jobs)}
    seconds = {numbers[id(e.job)]: cost.taken.wall for e, cost in priced}
    total = sum(1 for job in plan.jobs if job.outputs)
    return Explanation(study, total, priced, wall_seconds(plan, seconds, cores), cores)


def duration(seconds: float) -> str:
    """Seconds as `7 s`, `3 min` or `1 h 02 min`."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60:02} min"


def _merged(
    by_cause: dict[tuple[Cause, ...], list[PlannedJob]],
) -> dict[tuple[Cause, ...], list[PlannedJob]]:
    """Jobs whose causes are the same but for the file that each is missing, as one."""
    merged: dict[tuple[Cause, ...], list[PlannedJob]] = defaultdict(list)
    for causes, jobs in by_cause.items():
        merged[causes if any(c.kind != "new" for c in causes) else (Cause("new", ""),)] += jobs
    return merged


def _causes(causes: Iterable[Cause]) -> list[str]:
    said = [cause.text() for cause in causes]
    more = [f"... and {len(said) - _SHOWN} more changes"] if len(said) > _SHOWN + 1 else []
    return [*(said[:_SHOWN] if more else said), *more]


def _jobs(jobs: Iterable[PlannedJob]) -> list[str]:
    names: dict[str, list[str]] = defaultdict(list)
    for job in jobs:
        names[job.rule].append(job.name)
    lines = []
    for rule, of in names.items():
        shown = ", ".join(name for name in of[:_SHOWN] if name)
        more = f" and {len(of) - _SHOWN} more" if len(of) > _SHOWN else ""
        lines.append(f"    {rule} x {len(of)}  {shown}{more}".rstrip())
    return lines
