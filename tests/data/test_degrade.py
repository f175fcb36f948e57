"""Degradations: strength, chains, seeds and what is refused."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import convolve

from unispace.data import degrade as module
from unispace.data.degrade import KINDS, PARAMETERS, degrade


def pictures(n: int = 6, height: int = 64, width: int = 64) -> np.ndarray:
    """Smooth gradients with sharp discs on them: something to lose for every kind."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:height, :width] / width
    images = np.empty((n, height, width, 3))
    for image in images:
        image[:] = 60 + 120 * (rng.random(3) * x[..., None] + rng.random(3) * y[..., None]) / 2
        for _ in range(8):
            inside = (x - rng.random()) ** 2 + (y - rng.random()) ** 2 < rng.uniform(0.05, 0.2) ** 2
            image[inside] = 255 * rng.random(3)
    return images.astype(np.uint8)


def loss(kind: str, severity: float) -> float:
    images = pictures()
    low, _ = degrade(images, [kind], severity, np.arange(len(images)), always_resample=False)
    return float(np.mean(np.square(low.astype(float) - images)))


@pytest.mark.parametrize("kind", KINDS)
def test_no_severity_changes_next_to_nothing(kind):
    assert loss(kind, 0.0) < 4


@pytest.mark.parametrize("kind", KINDS)
def test_loss_grows_with_severity(kind):
    losses = [loss(kind, s) for s in (0.0, 0.25, 0.5, 0.75, 1.0)]
    assert (np.diff(losses) > 0).all()
    assert losses[-1] > 100


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_names_its_parameters(kind):
    image, parameters = KINDS[kind](pictures(1)[0], 0.7, np.random.default_rng(0))
    assert tuple(parameters) == PARAMETERS[kind]
    assert image.shape == (64, 64, 3)
    assert image.dtype == np.uint8


@given(
    seeds=st.lists(st.integers(0, 2**63 - 1), min_size=2, max_size=4),
    kinds=st.lists(st.sampled_from(list(KINDS)), min_size=1, unique=True),
    severity=st.one_of(st.floats(0, 1), st.just((0.2, 0.9))),
    always=st.booleans(),
)
@settings(max_examples=20, deadline=None)
def test_an_image_depends_on_its_own_seed_only(seeds, kinds, severity, always):
    images, seeds = pictures(len(seeds), 32, 32), np.array(seeds)
    low, table = degrade(images, kinds, severity, seeds, always_resample=always)
    backwards = kinds[::-1]
    alone, row = degrade(images[1:2], backwards, severity, seeds[1:2], always_resample=always)
    assert (alone[0] == low[1]).all()
    pd.testing.assert_frame_equal(row, table[1:2].reset_index(drop=True))


def test_chains_are_as_long_as_asked_and_in_the_order_of_light():
    images = np.repeat(pictures(1, 16, 16), 60, axis=0)
    _, table = degrade(images, list(KINDS), (0.3, 0.9), np.arange(60))
    chains = table["chain"].str.split("+")
    assert set(chains.str.len()) == {3, 4}
    assert all("resample" in c for c in chains)
    assert all(c == [k for k in KINDS if k in c] for c in chains)
    assert set(chains.explode()) == set(KINDS)
    severities = table.filter(like="_severity")
    assert severities.notna().sum(axis=1).eq(chains.str.len()).all()
    assert severities.stack().dropna().between(0.3, 0.9).all()
    _, table = degrade(
        images, ["jpeg", "dim"], 0.5, np.arange(60), links=(1, 1), always_resample=False
    )
    assert set(table["chain"]) == {"jpeg", "dim"}
    assert table["jpeg_severity"].dropna().eq(0.5).all()


def test_the_table_has_the_same_columns_whatever_was_applied():
    columns = [f"{k}_{p}" for k in KINDS for p in ("severity", *PARAMETERS[k])]
    for kinds in (["noise"], list(KINDS)):
        _, table = degrade(pictures(2), kinds, 0.5, np.arange(2))
        assert table.columns.tolist() == ["chain", *columns]
        assert (table.dtypes.iloc[1:] == np.float64).all()


def test_the_input_is_left_alone_and_shapes_are_kept():
    images = pictures(3, 40, 64)
    before = images.copy()
    low, _ = degrade(images, list(KINDS), 1.0, np.arange(3))
    assert (images == before).all()
    assert low.shape == images.shape
    assert low.dtype == np.uint8
    none, table = degrade(images[:0], list(KINDS), 1.0, np.arange(0))
    assert len(none) == len(table) == 0


@pytest.mark.parametrize("size", [32, 128])
def test_lengths_scale_with_the_image(size):
    _, table = degrade(pictures(1, size, size), ["defocus"], 1.0, np.zeros(1, int))
    assert table["defocus_radius"].item() == pytest.approx(3 * size / 64)
    assert table["resample_width"].item() == size / 8


def test_resampling_is_left_out_on_request():
    _, table = degrade(pictures(2), ["jpeg"], 0.5, np.arange(2), always_resample=False)
    assert table["resample_severity"].isna().all()
    assert (table["chain"] == "jpeg").all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"kinds": ["defocsu"]}, "unknown degradation 'defocsu'; did you mean 'defocus'"),
        ({"kinds": ["jpeg", "jpeg"]}, "must not repeat"),
        ({"kinds": []}, "at least one kind of warp"),
        ({"severity": 1.2}, r"severity must be within \[0, 1\].*1.2"),
        ({"severity": (0.8, 0.2)}, "range in order"),
        ({"severity": float("nan")}, "severity must be within"),
        ({"seeds": np.arange(3)}, "2 images need as many seeds"),
        ({"seeds": np.array([-1, 0])}, "integers of 0 or more"),
        ({"seeds": np.array([0.5, 1.0])}, "integers of 0 or more"),
        ({"images": pictures(2)[..., :1]}, r"uint8 \(n, h, w, 3\)"),
        ({"images": pictures(2).astype(float)}, "not float64"),
        ({"links": (3, 2)}, "links must be two numbers in order"),
    ],
)
def test_impossible_arguments_are_refused(change, message):
    arguments = {"images": pictures(2), "kinds": ["jpeg"], "severity": 0.5, "seeds": np.arange(2)}
    with pytest.raises(ValueError, match=message):
        degrade(**(arguments | change))


def test_kinds_say_their_ranges():
    for kind in KINDS:
        assert ".." in (getattr(module, kind).__doc__ or ""), kind


@pytest.mark.parametrize("shape", [(40, 64), (64, 64), (17, 33)])
@pytest.mark.parametrize("kind", ["defocus", "motion"])
def test_a_blur_is_the_convolution_with_its_kernel(shape, kind):
    """Derived again: every pixel is the weighted sum of its neighbours, the border repeated."""
    image = np.random.default_rng(0).integers(0, 256, (*shape, 3), dtype=np.uint8)
    spot = np.zeros((63, 63, 3), np.uint8)
    spot[31, 31] = 255
    scale = shape[1] / 63  # lengths grow with the width, so ask the spot for the same kernel
    severity = 0.6
    kernel, _ = KINDS[kind](spot, severity * scale, np.random.default_rng(5))
    blurred, _ = KINDS[kind](image, severity, np.random.default_rng(5))
    weights = kernel[..., 0].astype(float) / kernel[..., 0].sum()
    for channel in range(3):
        expected = convolve(image[..., channel].astype(float), weights, mode="nearest")
        assert np.abs(expected - blurred[..., channel]).max() < 4  # the spot's bytes are coarse
