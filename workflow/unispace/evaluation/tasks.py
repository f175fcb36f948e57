"""The metrics that stand for a task: what a model can do on a data set, in one or two numbers."""

from __future__ import annotations

from dataclasses import dataclass

from unispace.config.base import IDENTITY_DOMAINS, Domain
from unispace.config.evaluation import Evaluation, TaskMetric

TASK_EXPERIMENTS = ("verification", "identification", "classification")
"""What measures a level of one model or map on one data set; differences and analyses are over several."""

ATTACK_DETECTION = "attack-detection"
"""The experiment that measures how presentation attacks and morphs are detected."""

LEAVE_ONE_OUT = "-loo"
CROSS_CAMERA = "-cross-camera"


@dataclass(frozen=True)
class TaskNumber:
    """A metric by a protocol.

    Attributes:
        experiment: as in the tidy results.
        protocol: what the study asks for; the data add to its name, as in `enrol-one-cross-camera`.
        metric: its name.
    """

    experiment: str
    protocol: str
    metric: TaskMetric

    def further(self, protocol: str) -> str | None:
        """What tells this protocol of the results from others of this number; None where it is another one.

        Empty for the test split as a whole; `held_out`, or the name of an official list, where there are several.
        """
        if protocol != self.protocol and not protocol.startswith(
            (f"{self.protocol}-", f"{self.protocol}/")
        ):
            return None
        rest = protocol.removeprefix(self.protocol)
        for usual in (CROSS_CAMERA, LEAVE_ONE_OUT):
            rest = rest.removeprefix(usual)
        return rest[1:]


def task_numbers(domain: Domain, settings: Evaluation) -> tuple[TaskNumber, ...]:
    """The numbers that stand for a data set of a domain.

    Identities: AUC over all pairs (else by the first protocol of the study) and, where the study asks for it, Rank-1
    by the first protocol of identification that enrols everybody. Objects: top-1 by nearest neighbours. None for
    attacks.
    """
    if domain in IDENTITY_DOMAINS:
        asked = settings.verification
        pairs = "all-pairs" if "all-pairs" in asked else asked[0]
        numbers = [TaskNumber("verification", pairs, "AUC")]
        closed = [protocol for protocol in settings.identification if protocol != "open-set"]
        if closed and 1 in settings.ranks:
            numbers.append(TaskNumber("identification", closed[0], "Rank-1"))
        return tuple(numbers)
    if domain == "object":
        return (TaskNumber("classification", f"knn-{settings.neighbours}", "top-1"),)
    return ()
