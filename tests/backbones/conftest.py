"""Networks small enough to be built in milliseconds."""

import pytest
import torch

from unispace.backbones.network import Network
from unispace.config.backbones import Backbone

TINY = {"img_size": 32, "patch_size": 16, "embed_dim": 16, "depth": 2, "num_heads": 2}


def settings_of(
    architecture="eva02_tiny_patch14_224", options=None, pooling="avg", **preprocessing
):
    return Backbone.model_validate(
        {
            "architecture": architecture,
            "options": TINY if options is None else options,
            "pooling": pooling,
            "preprocessing": {"size": 32, **preprocessing},
            "weights": {"kind": "random"},
        }
    )


@pytest.fixture(scope="session")
def tiny():
    """Settings of a small backbone, with changes."""
    return settings_of


@pytest.fixture(scope="session")
def build():
    """A small network in evaluation mode, its weights drawn from a seed, with changed settings."""

    def built(*args, seed=0, **changes):
        torch.manual_seed(seed)
        return Network(settings_of(*args, **changes)).eval()

    return built


@pytest.fixture(scope="session")
def images():
    """`(n, 32, 32, 3)` uint8."""

    def drawn(count, seed=0):
        generator = torch.Generator().manual_seed(seed)
        return torch.randint(0, 256, (count, 32, 32, 3), dtype=torch.uint8, generator=generator)

    return drawn
