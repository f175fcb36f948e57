"""Statistics of images: what they are of images whose looks are known."""

import numpy as np
import pytest

from unispace.analysis.image_statistics import image_statistics
from unispace.records.results import IMAGE_STATISTICS


def measured(image):
    (row,) = image_statistics(image[None].astype(np.uint8))
    return dict(zip(IMAGE_STATISTICS, row, strict=True))


def board(side, square):
    """A chessboard of squares of `square` pixels."""
    place = np.indices((side, side)) // square
    return np.repeat((place.sum(axis=0) % 2 * 255)[..., None], 3, axis=2)


def test_a_plain_image_has_its_colour_and_nothing_else():
    found = measured(np.full((8, 8, 3), (255, 51, 0)))
    assert [found[f"{c}_mean"] for c in ("red", "green", "blue")] == pytest.approx([1, 0.2, 0])
    for name in (
        "red_deviation",
        "green_deviation",
        "blue_deviation",
        "contrast",
        "border_contrast",
    ):
        assert found[name] == pytest.approx(0, abs=1e-12)
    assert found["saturation"] == pytest.approx(1)
    assert found["sharpness"] == found["high_frequencies"] == pytest.approx(np.log(1e-6), abs=0.01)


def test_fine_detail_is_sharper_and_of_higher_frequency_than_coarse():
    fine, coarse = measured(board(32, 1)), measured(board(32, 8))
    assert fine["contrast"] == pytest.approx(0.5)
    assert fine["saturation"] == 0
    assert fine["sharpness"] > coarse["sharpness"]
    assert np.exp(fine["high_frequencies"]) == pytest.approx(1, abs=1e-4)
    assert np.exp(coarse["high_frequencies"]) < 0.2


def test_sharpness_is_that_of_the_laplacian():
    from scipy.ndimage import laplace

    pixels = np.random.default_rng(0).integers(0, 256, (12, 12, 3))
    grey = pixels / 255 @ [0.299, 0.587, 0.114]
    assert measured(pixels)["sharpness"] == pytest.approx(
        np.log(laplace(grey)[1:-1, 1:-1].var() + 1e-6)
    )


def test_border_contrast_looks_at_the_outermost_pixels_only():
    image = np.full((16, 16, 3), 128)
    image[4:12, 4:12] = board(8, 2)
    assert measured(image)["border_contrast"] == pytest.approx(0, abs=1e-12)
    image[0, ::2] = 255
    assert measured(image)["border_contrast"] > 0.05


def test_statistics_do_not_depend_on_the_other_images():
    pixels = np.random.default_rng(1).integers(0, 256, (5, 16, 16, 3)).astype(np.uint8)
    np.testing.assert_allclose(
        image_statistics(pixels)[2:3], image_statistics(pixels[2:3]), rtol=1e-12
    )


@pytest.mark.parametrize("shape", [(2, 8, 8), (2, 8, 9, 3), (2, 3, 3, 3), (2, 8, 8, 4)])
def test_what_is_no_square_image_is_refused(shape):
    with pytest.raises(ValueError, match=r"must be \(n, side, side, 3\)"):
        image_statistics(np.zeros(shape, np.uint8))
