"""The studio world: which images there are, and their pixels."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from unispace.config.base import Domain
from unispace.config.datasets import StudioSource
from unispace.data.degrade import degrade
from unispace.data.studio import bodies, faces, objects
from unispace.errors import UserError

_SUBJECT: dict[Domain, str] = {
    "object": "object",
    "face_hq": "face",
    "face_lq": "face",
    "person": "body",
}
_BATCH = 256


def check(name: str, domain: Domain, source: StudioSource) -> None:
    """Refuse what the studio cannot render.

    Raises:
        UserError: where more object classes are asked for than there are, or objects are degraded without need.
    """
    if domain == "object" and source.labels > len(objects.CLASSES):
        raise UserError(
            f"datasets.{name}.source.labels: the studio has {len(objects.CLASSES)} object classes, "
            f"got {source.labels}"
        )


def listing(name: str, domain: Domain, source: StudioSource) -> pd.DataFrame:
    """All images of a data set: columns image_id, label, camera (bodies), label_number, number."""
    if domain == "object":
        labels = list(objects.CLASSES[: source.labels])
    else:
        labels = [f"{_SUBJECT[domain]}-{source.world}-{i:05d}" for i in range(source.labels)]
    label_number = np.repeat(np.arange(source.labels), source.images_per_label)
    number = np.tile(np.arange(source.images_per_label), source.labels)
    frame = pd.DataFrame(
        {
            "image_id": [
                f"{name}/{labels[i]}/{k:04d}" for i, k in zip(label_number, number, strict=True)
            ],
            "label": [labels[i] for i in label_number],
            "label_number": label_number,
            "number": number,
        }
    )
    return frame


def render(
    name: str, domain: Domain, source: StudioSource, seed: int, rows: pd.DataFrame
) -> Iterator[tuple[pd.DataFrame, NDArray[np.uint8]]]:
    """Render rows of a listing, batch by batch.

    The identity of a label depends on the seed and the world, its images on the seed, the world and the
    data set's name; neither on which rows are asked for.

    Yields:
        Further columns of the manifest for a batch, and its images `(n, size, size, 3)`.
    """
    subject = _SUBJECT[domain]
    count = source.labels * source.images_per_label
    of_labels = np.random.default_rng([seed, source.world, _number(subject)])
    of_views = np.random.default_rng([seed, source.world, _number(subject), _number(name)])
    index = rows["label_number"].to_numpy() * source.images_per_label + rows["number"].to_numpy()
    labels = rows["label_number"].to_numpy()

    if subject == "object":
        instances = objects.sample_instances(of_views, count).iloc[index]
        views = objects.sample_views(of_views, count).iloc[index]

        def paint(part: slice) -> NDArray[np.uint8]:
            return objects.render(labels[part], instances.iloc[part], views.iloc[part], source.size)

    elif subject == "face":
        persons = faces.sample_identities(of_labels, source.labels, source.siblings).iloc[labels]
        views = faces.sample_views(of_views, count, source.variation).iloc[index]

        def paint(part: slice) -> NDArray[np.uint8]:
            return faces.render(persons.iloc[part], views.iloc[part], source.size)

    else:
        persons = bodies.sample_identities(of_labels, source.labels).iloc[labels]
        views = bodies.sample_views(of_views, count, source.cameras).iloc[index]

        def paint(part: slice) -> NDArray[np.uint8]:
            return bodies.render(persons.iloc[part], views.iloc[part], source.size)

    loss_seeds = of_views.integers(0, 2**31, count)[index]
    for start in range(0, len(rows), _BATCH):
        part = slice(start, start + _BATCH)
        images = paint(part)
        extra = pd.DataFrame(index=rows.index[part])
        if "camera" in views.columns:
            extra["camera"] = [f"camera-{c}" for c in views["camera"].to_numpy()[part]]
        if source.degrade is not None:
            images, loss = degrade(
                images,
                source.degrade.kinds,
                severity=source.degrade.severity,
                seeds=loss_seeds[part],
                always_resample=source.degrade.always_resample,
            )
            extra["degradation"] = loss["chain"].to_numpy()
        yield extra, images


def _number(text: str) -> int:
    """A number for a text, the same in every process."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big")
