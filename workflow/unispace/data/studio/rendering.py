"""The studio world: the pixels of its images, and the truth behind them.

The identity of a label depends on the seed and the world, its images on the seed, the world and the data set's name;
neither on which images are asked for, nor on how many processes paint them.
"""

from __future__ import annotations

import hashlib
import multiprocessing
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from unispace.config.base import ATTACK_DOMAINS, BONA_FIDE, Domain
from unispace.config.studio import Degrade, StudioSource
from unispace.data.attacks.morphs import morph
from unispace.data.attacks.presentations import present
from unispace.data.degrade import degrade
from unispace.data.studio import bodies, faces, families, objects
from unispace.data.studio.family import captions
from unispace.data.studio.world import OBJECTS, subject_of

Pixels = NDArray[np.uint8]

_BATCH = 256


@dataclass(frozen=True)
class Rendered:
    """A batch of images.

    Attributes:
        images: `(n, size, size, 3)`, RGB.
        columns: further columns of the manifest, `n` rows with the index of the listing.
        factors: latent factors, `n` rows.
    """

    images: Pixels
    columns: pd.DataFrame
    factors: pd.DataFrame


@dataclass(frozen=True)
class _Batch:
    """Everything that decides some images; small enough to be sent to another process.

    Attributes:
        domain: what is painted.
        family: which classes, in domain object.
        size: side in pixels.
        degrade: loss of quality, if any.
        rows: of the listing.
        tables: `person`, `second`, `thing`, `view`: factors, a row for each row.
        seeds: `loss`, `attack`, `caption`: a number for each row.
    """

    domain: Domain
    family: str
    size: int
    degrade: Degrade | None
    rows: pd.DataFrame
    tables: dict[str, pd.DataFrame]
    seeds: dict[str, NDArray[np.int64]]

    def part(self, part: slice) -> _Batch:
        """Some of its images."""
        return _Batch(
            self.domain,
            self.family,
            self.size,
            self.degrade,
            self.rows.iloc[part],
            {name: table.iloc[part] for name, table in self.tables.items()},
            {name: seeds[part] for name, seeds in self.seeds.items()},
        )


def render(
    name: str,
    domain: Domain,
    source: StudioSource,
    seed: int,
    rows: pd.DataFrame,
    workers: int = 1,
) -> Iterator[Rendered]:
    """Render rows of a listing, batch by batch and in their order.

    Args:
        name: of the data set.
        domain: of its labels.
        source: its settings.
        seed: of the study.
        rows: as of `world.listing`, all or some.
        workers: processes that paint; changes the time and no byte.
    """
    whole = _plan(name, domain, source, seed, rows)
    parts = (whole.part(slice(s, s + _BATCH)) for s in range(0, len(rows), _BATCH))
    if workers == 1 or len(rows) <= _BATCH:
        yield from map(_paint, parts)
        return
    # Fresh processes: a fork would copy the locks of whatever threads the libraries have started.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context) as pool:
        waiting: deque[Future[Rendered]] = deque()
        for part in parts:
            waiting.append(pool.submit(_paint, part))
            # Few enough in flight that memory does not grow with the data set.
            if len(waiting) > 2 * workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def _plan(name: str, domain: Domain, source: StudioSource, seed: int, rows: pd.DataFrame) -> _Batch:
    """Draw all factors."""
    subject = _number(subject_of(domain, source))
    of_labels = np.random.default_rng([seed, source.world, subject])
    of_views = np.random.default_rng([seed, source.world, subject, _number(name)])
    label, number = rows["_label"].to_numpy(np.int64), rows["_number"].to_numpy(np.int64)
    each = source.images_of_each(domain)
    count, index = source.labels * each, label * each + number
    tables: dict[str, pd.DataFrame] = {}
    if domain == "object" and source.family != OBJECTS:
        drawn = families.sample(source.family, of_views, count)
        tables["thing"], tables["view"] = (table.iloc[index] for table in drawn)
    elif domain == "object":
        things = objects.sample_instances(of_views, count).iloc[index]
        tables["view"] = objects.sample_views(of_views, count).iloc[index]
        # Among the classes of this data set, so that the conflict of shape and texture is between two that it has.
        textures = objects.texture_labels(label, tables["view"], source.labels)
        tables["thing"] = things.assign(texture=np.array(objects.CLASSES)[textures])
    elif domain == "person":
        persons = bodies.sample_identities(of_labels, source.labels).iloc[label]
        wardrobes = np.random.default_rng([seed, source.world, subject, _number("outfits")])
        seeds = wardrobes.integers(0, 2**31, source.labels)[label]
        tables["person"] = bodies.dressed(persons, number % source.outfits, seeds)
        tables["view"] = bodies.sample_views(of_views, count, source.cameras).iloc[index]
    else:
        persons = faces.sample_identities(of_labels, source.labels, source.siblings)
        views = faces.sample_views(of_views, count, source.variation, source.age_drift)
        tables["person"], tables["view"] = persons.iloc[label], views.iloc[index]
        if domain == "mad":
            # Portraits as on passports: a hand before the face would be morphed into the other one.
            views = views.assign(occluder="none")
            # A morph is made of a bona fide image of each of its two persons.
            used = rows["_of"].to_numpy(np.int64)
            second = rows["_second"].to_numpy(np.int64)
            tables["view"] = views.iloc[label * each + used]
            tables["second"] = persons.iloc[second]
            tables["second_view"] = views.iloc[second * each + used]
    seeds = {"loss": of_views.integers(0, 2**31, count)[index]}
    for purpose in ("attack", "caption"):
        keys = [seed, source.world, subject, _number(name), _number(purpose)]
        seeds[purpose] = np.random.default_rng(keys).integers(0, 2**31, count)[index]
    return _Batch(domain, source.family, source.size, source.degrade, rows, tables, seeds)


@cache
def _keep_freed_memory() -> None:
    """Have this process keep memory that it frees, up to some tens of MiB.

    Painting makes and frees thousands of arrays. glibc gives memory back to the system when more than twice the largest
    block freed so far lies free, and each page that comes again costs as much as painting on it: a third of the time of
    faces went there. A block that is never written to costs nothing, and freeing it raises that limit for good
    (`man mallopt`, M_MMAP_THRESHOLD). Where another allocator is used this does nothing.
    """
    np.empty(_LARGEST_BLOCK, np.uint8)


_LARGEST_BLOCK = 2**25 - 2**13  # glibc learns from blocks below 32 MiB only


def _paint(batch: _Batch) -> Rendered:
    """Paint some images."""
    _keep_freed_memory()
    index = batch.rows.index
    columns = pd.DataFrame(index=index)
    tables = dict(batch.tables)
    if batch.domain == "object":
        images = _objects(batch, columns)
    elif batch.domain == "person":
        images = bodies.render(tables["person"], tables["view"], batch.size)
        columns["camera"] = [f"camera-{c}" for c in tables["view"]["camera"]]
    else:
        images = faces.render(tables["person"], tables["view"], batch.size)
        if batch.domain in ATTACK_DOMAINS:
            images, tables["attack"] = _attacked(batch, images)
    if batch.degrade is not None:
        images, loss = degrade(
            images,
            batch.degrade.kinds,
            severity=batch.degrade.severity,
            seeds=batch.seeds["loss"],
            always_resample=batch.degrade.always_resample,
        )
        columns["degradation"] = loss["chain"].to_numpy()
        tables["loss"] = loss
    factors = [t.add_prefix(f"{name}.").set_axis(index) for name, t in tables.items()]
    return Rendered(images, columns, pd.concat(factors, axis=1))


def _objects(batch: _Batch, columns: pd.DataFrame) -> Pixels:
    """Paint objects; adds their captions to the columns."""
    rows, thing, view = batch.rows, batch.tables["thing"], batch.tables["view"]
    label = rows["_label"].to_numpy(np.int64)
    if batch.family != OBJECTS:
        family = families.FAMILIES[batch.family]
        columns["caption"] = captions(family, label, thing, view, batch.seeds["caption"])
        return families.render(batch.family, label, thing, view, batch.size)
    style = rows["style"].to_numpy(str)
    number = {name: i for i, name in enumerate(objects.CLASSES)}
    textures = np.array([number[name] for name in thing["texture"]], np.int64)
    seeds = batch.seeds["caption"]
    columns["caption"] = objects.captions(label, thing, view, style, seeds, textures)
    return objects.render(label, thing, view, batch.size, style, textures)


def _attacked(batch: _Batch, images: Pixels) -> tuple[Pixels, pd.DataFrame]:
    """Turn the images that are no bona fide ones into attacks; returns all, and what was drawn for the attacks."""
    kinds = batch.rows["label"].to_numpy(str)
    chosen = np.flatnonzero(kinds != BONA_FIDE)
    if not len(chosen):
        return images, pd.DataFrame(index=range(len(images)))
    part = {name: table.iloc[chosen] for name, table in batch.tables.items()}
    marks = faces.landmarks(part["person"], part["view"], batch.size)
    seeds = batch.seeds["attack"][chosen]
    if batch.domain == "pad":
        made, drawn = present(images[chosen], kinds[chosen], marks, seeds)
    else:
        others = faces.render(part["second"], part["second_view"], batch.size)
        others_marks = faces.landmarks(part["second"], part["second_view"], batch.size)
        made, drawn = morph(images[chosen], others, marks, others_marks, kinds[chosen], seeds)
    images = images.copy()
    images[chosen] = made
    return images, drawn.set_axis(chosen).reindex(range(len(images)))


def _number(text: str) -> int:
    """A number for a text, the same in every process."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big")
