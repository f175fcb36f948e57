"""What claims call models and data sets: base, experts, tasks, unseen data."""

from __future__ import annotations

from typing import Any

from unispace.config.base import ATTACK_DOMAINS
from unispace.config.study import Study


def claim_roles(study: Study) -> dict[str, Any]:
    """What the models and data sets of a study are for, as plain values for a job."""
    domains = {d: study.datasets[d].domain for d in study.evaluation.datasets}
    tested = {d: domain for d, domain in domains.items() if domain not in ATTACK_DOMAINS}
    experts = {d: study.expert_of(d) for d in tested}
    return {
        "base": study.base_curriculum(),
        "tasks": [d for d in study.tasks() if d in tested],
        "experts": {d: expert for d, expert in experts.items() if expert is not None},
        "unseen": list(study.unseen_datasets()),
        # Pairs, which keep their order in canonical JSON.
        "domains": list(tested.items()),
        "general": list(study.tradeoffs.datasets),
        "accuracy": study.tradeoffs.metric,
        "sizes": list(study.tradeoffs.sizes.items()),
    }
