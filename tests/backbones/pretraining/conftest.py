"""Networks and images for the objectives of pretraining."""

import pytest
import torch

from unispace.backbones.network import Network
from unispace.config.backbones import Backbone

TINY = {"img_size": 32, "patch_size": 8, "embed_dim": 16, "depth": 2, "num_heads": 2}


@pytest.fixture(scope="session")
def student():
    """A small transformer of 16 patches, its weights drawn from a seed."""

    def built(architecture="eva02_tiny_patch14_224", seed=0, **options):
        settings = {
            "architecture": architecture,
            "options": TINY | options,
            "preprocessing": {"size": 32},
            "weights": {"kind": "random"},
        }
        torch.manual_seed(seed)
        return Network(Backbone.model_validate(settings))

    return built


@pytest.fixture(scope="session")
def drawn():
    """`(n, 3, size, size)` in [0, 1]: a colour for each image, under noise."""

    def images(n, seed=0, size=32):
        generator = torch.Generator().manual_seed(seed)
        colours = torch.rand(n, 3, 1, 1, generator=torch.Generator().manual_seed(n))
        noise = torch.rand(n, 3, size, size, generator=generator)
        return 0.8 * colours + 0.2 * noise

    return images
