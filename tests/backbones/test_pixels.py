"""The raw-pixel control: area averages and one linear layer, and nothing else."""

import numpy as np
import pytest
import torch

from unispace.backbones.layers import parameter_groups
from unispace.backbones.network import Network, card, load_weights, save_weights, to_unit


@pytest.fixture(scope="module")
def control(build):
    """A control of images of 32 x 32 pixels, with its options."""

    def built(seed=0, **options):
        return build("pixels", options=options, seed=seed)

    return built


def averaged(images, grid):
    """Area averages `(n, 3 * grid * grid)` of normalised channels-first images, cell by cell."""
    step = images.shape[2] // grid
    cells = [
        images[:, c, i * step : (i + 1) * step, j * step : (j + 1) * step].mean(axis=(1, 2))
        for c in range(3)
        for i in range(grid)
        for j in range(grid)
    ]
    return np.stack(cells, axis=1)


def unit(vectors):
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


@pytest.mark.parametrize("grid", [1, 4, 16, 32])
def test_it_is_a_linear_map_of_area_averages(control, images, grid):
    network, batch = control(grid=grid, dimension=3), images(6)
    seen = network.normalise(to_unit(batch)).double().numpy()
    state = {k: v.double().numpy() for k, v in network.body.state_dict().items()}
    assert set(state) == {"projection.weight", "projection.bias"}
    expected = averaged(seen, grid) @ state["projection.weight"].T + state["projection.bias"]
    np.testing.assert_allclose(network.embed(batch).numpy(), unit(expected), atol=1e-5)


def test_untrained_it_compares_pixels_as_they_are(control, images):
    """Orthonormal rows as many as values: every cosine of two images is that of their averages."""
    network, batch = control(grid=4, dimension=48), images(9)
    vectors = network.embed(batch).numpy()
    pixels = unit(averaged(network.normalise(to_unit(batch)).numpy(), 4))
    np.testing.assert_allclose(vectors @ vectors.T, pixels @ pixels.T, atol=1e-5)


def test_the_projection_is_orthonormal_without_bias_and_depends_on_the_seed(control):
    weight = control(grid=8, dimension=20).body.projection.weight.detach().double()
    torch.testing.assert_close(
        weight @ weight.T, torch.eye(20, dtype=torch.float64), atol=1e-6, rtol=0
    )
    assert not control().body.projection.bias.any()
    assert torch.equal(
        control(seed=3).body.projection.weight, control(seed=3).body.projection.weight
    )
    assert not torch.allclose(
        control(seed=3).body.projection.weight, control().body.projection.weight
    )


def test_defaults_are_a_grid_of_16_and_128_dimensions(control, images):
    network = control()
    assert network.dimension == 128
    assert network.body.projection.in_features == 3 * 16 * 16
    assert network.embed(images(2)).shape == (2, 128)


def test_weights_come_back_and_the_card_says_what_it_is(control, tiny, images, tmp_path):
    written, read, path = control(seed=0), control(seed=1), tmp_path / "w.safetensors"
    save_weights(written, path)
    load_weights(read, path, "m")
    assert torch.equal(written.embed(images(3)), read.embed(images(3)))
    found = card(tiny("pixels", options={"grid": 16}), read, path)
    assert (found["architecture"], found["dimension"]) == ("pixels", 128)
    assert found["parameters"] == 768 * 128 + 128
    assert found["provider"] == "this repository"


def test_all_of_it_is_trained(tiny):
    network = Network(tiny("pixels", options={"grid": 4, "dimension": 8}))
    network(torch.rand(4, 3, 32, 32)).square().mul(torch.arange(8.0)).sum().backward()
    assert all(p.grad is not None and p.grad.any() for p in network.parameters())


def test_its_one_layer_learns_at_the_full_rate(control):
    body = control(grid=4, dimension=8).body
    groups = parameter_groups(body, layer_decay=0.5, weight_decay=0.1)
    assert {group["scale"] for group in groups} == {1.0}
    assert sum(len(group["params"]) for group in groups) == 2
