"""Portraits with their landmarks."""

import numpy as np
import pytest

from unispace.data.studio import faces


@pytest.fixture(scope="session")
def portraits():
    """A maker of pictures `(n, s, s, 3)` and landmarks `(n, k, 2)` of `n` persons, the same each time."""

    def make(n: int, size: int = 64, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
        identities = faces.sample_identities(np.random.default_rng(seed), n)
        views = faces.sample_views(np.random.default_rng(seed + 1), n, 0.35)
        views["occluder"] = "none"
        return faces.render(identities, views, size), faces.landmarks(identities, views, size)

    return make
