"""Examples of maps as the commands write them, of planted persons in random spaces."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from unispace.analysis.choice import most_pictured
from unispace.analysis.views import joint_views
from unispace.config.study import Study
from unispace.evaluation.retrieval import choose_queries, retrieve
from unispace.records.images import ImageStore
from unispace.records.thumbnails import thumbnail

# The last map of a study with several pairs, so that pictures show one that failed.
FAILED = "failed: the loss of `faces` was nan at step 57"


def shown_tables(
    study: Study, data: Path, rng: np.random.Generator
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Tables of examples and of views.

    Args:
        study: it.
        data: folder of the data sets, which may lack the images.
        rng: source of randomness.
    """
    fitting = next(iter(study.maps.fittings().values()))
    manifest = pd.read_parquet(data / fitting.test / "manifest.parquet")
    store = data / fitting.test / "images.npy"
    images = ImageStore(store) if store.is_file() else None
    manifest = manifest[manifest["split"] == study.maps.split]
    rows = manifest.set_index("image_id")["row"]
    identity, image_id = list(manifest["identity"]), list(manifest["image_id"])
    queries = choose_queries(identity, image_id)
    chosen = most_pictured(identity, image_id, 10, 30)
    examples, views = [], []
    for about, probe, target in _spaces(study, manifest["identity"], rng):
        about |= {"fitted_on": fitting.fit, "dataset": fitting.test}
        ok = about["status"] == "ok"
        found = retrieve(probe, target, identity, image_id, queries)
        found = found if ok else found[found["rank"] == 0].assign(found=None)
        found["picture"] = [
            thumbnail(images.image(int(rows[i])), 60 if rank else 120) if images else None
            for i, rank in zip(found["image_id"], found["rank"], strict=True)
        ]
        examples.append(found.astype({"found": "Int64"}).assign(**about))
        placed = joint_views(probe[chosen], target[chosen], 1)
        views += [
            manifest.iloc[chosen][["image_id", "identity"]].assign(
                **about, projection=name, space=space,
                x=where[:, 0] if ok else np.nan, y=where[:, 1] if ok else np.nan,
            )
            for name, places in placed.items()
            for space, where in zip(("source", "target"), places, strict=True)
        ]  # fmt: skip
    return pd.concat(examples, ignore_index=True), pd.concat(views, ignore_index=True)


def _spaces(
    study: Study, identity: pd.Series, rng: np.random.Generator
) -> Iterator[tuple[dict[str, str], np.ndarray, np.ndarray]]:
    """What a map is, and both clouds: the better the later the method."""
    codes, names = pd.factorize(identity)
    pairs, methods = study.maps.shown_pairs(), study.maps.methods_shown()
    for source, target in pairs:
        centre = rng.normal(size=(len(names), 16))[codes]
        place = centre + 0.4 * rng.normal(size=centre.shape)
        for i, method in enumerate(methods):
            failed = len(pairs) > 1 and (source, target, method) == (*pairs[-1], methods[-1])
            about = {"source": source, "target": target, "method": method}
            about["status"] = FAILED if failed else "ok"
            probe = rng.normal(size=centre.shape) + 0.8 * i * place
            yield about, probe, place
