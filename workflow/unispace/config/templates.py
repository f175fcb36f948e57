"""Verification of templates: persons shown by several images and videos each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from unispace.config.base import IDENTITY_DOMAINS, Distinct, Settings
from unispace.errors import did_you_mean

if TYPE_CHECKING:
    from unispace.config.study import Study


class TemplateProtocol(Settings):
    """Which images make a template, and which templates are compared, as in IJB-B and IJB-C."""

    images: Annotated[str, Field(min_length=1)]
    """A CSV table with the columns `template_id`, `image_id` and `media_id`: a template has one row for each of its
    images, and frames of one video share a `media_id`. A file below `UNISPACE_DATA` or the working folder."""
    pairs: Annotated[str, Field(min_length=1)]
    """A CSV table with the columns `first` and `second` (template ids) and `same` (1 or 0)."""
    fmr: Distinct[Annotated[float, Field(gt=0, lt=1)]] = (0.0001, 0.001, 0.01)
    """False match rates at which the true match rate is given, where the impostor pairs support them: ten false
    matches must be expected, so 0.0001 takes 100,000 impostor pairs."""


def template_problems(study: Study) -> list[str]:
    """Data sets whose templates cannot be verified."""
    tested = [d for d in study.evaluation.datasets if study.datasets[d].domain in IDENTITY_DOMAINS]
    return [
        f"evaluation.templates: `{dataset}` must be an evaluated data set of identities; "
        f"{did_you_mean(dataset, tested)}"
        for dataset in study.evaluation.templates
        if dataset not in tested
    ]
