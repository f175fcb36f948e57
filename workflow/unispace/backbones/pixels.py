"""The raw-pixel control: an image seen coarsely, and one linear layer."""

from __future__ import annotations

from torch import Tensor, nn

from unispace.config.backbones import PixelOptions


class Pixels(nn.Module):
    """Area averages of an image on a grid, flattened and projected.

    Untrained it compares pixels: its weights have orthonormal rows, so that the projection turns and drops
    directions and stretches none. Trained it is a linear probe on pixels, which tells how much of a task
    takes no network at all.

    Attributes:
        projection: `3 * grid * grid` values to `dimension` values, channel by channel, each row by row.
    """

    def __init__(self, options: PixelOptions, size: int) -> None:
        """Draw the projection from the global random state.

        Args:
            options: grid and dimension.
            size: side of the images in pixels, a multiple of the grid.
        """
        super().__init__()
        self.average = nn.AvgPool2d(size // options.grid)
        self.projection = nn.Linear(3 * options.grid**2, options.dimension)
        nn.init.orthogonal_(self.projection.weight)
        nn.init.zeros_(self.projection.bias)

    def group_matcher(self, coarse: bool = False) -> dict[str, str]:
        """Its layers, as timm's networks name theirs: nothing comes before the only one, which learns like a head."""
        del coarse
        return {"stem": "^nothing$"}

    def forward(self, images: Tensor) -> Tensor:
        """Normalised images `(n, 3, size, size)` to vectors `(n, dimension)`."""
        return self.projection(self.average(images).flatten(1))
