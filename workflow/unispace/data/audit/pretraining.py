"""Which tested sets the weights that a study starts from have seen."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from unispace.data.audit.findings import finding

# What timm and open_clip write into the names of weights says on what they were trained. Only sets whose images are
# published stand here; of a collection that nobody can look into it is not known what it holds.
_TAGS: tuple[tuple[str, tuple[str, ...]], ...] = (
    (r"in1k|imagenet1k", ("imagenet-1k",)),
    (
        r"in2[12]k|imagenet2[12]k",
        ("imagenet-1k",),
    ),  # ImageNet-21k holds the 1,000 classes and their images
    # Siméoni et al. 2025 (arXiv 2508.10104): ImageNet-1k is one of the sets that a part of each batch comes from.
    (r"lvd1689m", ("imagenet-1k",)),
    (r"casia", ("casia-webface",)),
)


def seen_by(name: str, declared: Sequence[str]) -> tuple[str, ...]:
    """Registered sets that weights were trained on, from their name and from what the study says of them.

    Args:
        name: repository or file of the weights.
        declared: names of registered sets.
    """
    tagged = [seen for pattern, sets in _TAGS if re.search(pattern, name.lower()) for seen in sets]
    return tuple(dict.fromkeys([*declared, *tagged]))


def pretraining(
    tested: Mapping[str, str | None], weights: Mapping[str, tuple[str, Sequence[str]]]
) -> list[dict[str, Any]]:
    """Rows about every tested data set and all weights that come from outside.

    Args:
        tested: name in the registry of each tested data set, None where it has none.
        weights: of each backbone with foreign weights: their name, and the sets that the study says they have seen.
    """
    rows = []
    for backbone, (name, declared) in weights.items():
        seen = seen_by(name, declared)
        for dataset, registered in tested.items():
            if registered in seen:
                detail = f"{name} was trained on {registered}"
                rows.append(finding(dataset, "seen-in-pretraining", backbone, 1, detail, "note"))
            elif not seen:
                detail = f"not known what {name} was trained on; say it in backbones.{backbone}.weights.seen"
                rows.append(finding(dataset, "seen-in-pretraining", backbone, 0, detail, "note"))
            else:
                detail = f"{name} was trained on {', '.join(seen)}"
                rows.append(finding(dataset, "seen-in-pretraining", backbone, 0, detail))
    return rows
