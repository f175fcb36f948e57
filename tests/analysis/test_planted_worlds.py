"""The protocols on trial: they must find what was planted, and the flawed one must be seen to be flawed."""

import numpy as np
import pytest

from unispace.analysis.planted_maps import SOURCE, TARGET, WORLDS, planted_maps, world_of
from unispace.config.evaluation import Evaluation
from unispace.evaluation.recognition import identify_images
from unispace.evaluation.tidy import Cell

SETTINGS = Evaluation(
    identification=("enrol-one", "self-excluded", "paper"), ranks=(1,), resamples=100
)
SEEDS = range(3)


@pytest.fixture(scope="module")
def found():
    cell = Cell(study="s", dataset="d", seed=0, origin="o")
    table = {}
    for world in WORLDS:
        for seed in SEEDS:
            for planted in planted_maps(world, seed):
                rows, _ = identify_images(
                    cell, planted.images, SETTINGS, lambda: np.random.default_rng(0)
                )
                rows = rows[rows["metric"] == "Rank-1"]
                for row in rows.to_dict("records"):
                    key = (world, planted.method, row["protocol"])
                    table.setdefault(key, []).append(row)
                table.setdefault((world, planted.method, "theory"), []).append(planted.expected)
    return table


def values(rows):
    return np.array([row["value"] for row in rows])


def test_procrustes_reaches_the_rank_1_of_theory(found):
    """The true rotation is the best there is; a fitted one loses next to nothing to it with 280 identities."""
    theory = np.array(found["rotation", "procrustes", "theory"])
    rows = found["rotation", "procrustes", "enrol-one"]
    assert 0.5 < theory.mean() < 0.9
    assert abs(values(rows).mean() - theory.mean()) < 0.04
    assert all(
        r["lower"] - 0.02 <= t <= r["upper"] + 0.02 for r, t in zip(rows, theory, strict=True)
    )


def test_without_a_map_a_rotation_hides_everything(found):
    for protocol in ("enrol-one", "self-excluded", "paper"):
        assert values(found["rotation", "baseline", protocol]).max() < 0.05


@pytest.mark.parametrize("method", ["procrustes", "ridge"])
def test_models_that_share_no_identity_are_perfect_by_the_paper_and_at_chance_by_us(found, method):
    assert values(found["image-only", method, "paper"]).min() == 1
    for protocol in ("enrol-one", "self-excluded"):
        rows = found["image-only", method, protocol]
        chance = rows[0]["chance"]
        assert chance < 0.01
        assert values(rows).max() < 0.03
        # Over the seeds no more than chance, with room for its own noise.
        assert values(rows).mean() < chance + 0.01


def test_chance_is_one_in_the_gallery(found):
    rows = found["image-only", "procrustes", "enrol-one"]
    theory = found["image-only", "procrustes", "theory"]
    assert [row["chance"] for row in rows] == pytest.approx(theory)


def test_a_seed_draws_its_world():
    first, again, other = (next(planted_maps("rotation", seed)).images.probe for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert first.shape != other.shape or not np.allclose(first, other)


def test_the_image_only_world_holds_no_identity():
    world = world_of("image-only")
    assert world.correlation(SOURCE, TARGET) == 0
    assert world.correlation(SOURCE, TARGET, same_image=True) > 0.8
