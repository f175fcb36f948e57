"""Face networks of 100 layers: that of ArcFace and AdaFace in CVLface, and that of MagFace.

Both are the improved residual network of ArcFace (Deng et al., "ArcFace", CVPR 2019, section 3.1): batch norm before
and after every convolution, PReLU, a first layer that keeps the resolution, and a linear layer on the 7 x 7 map instead
of pooling. They differ in the shortcut of the first block, in batch norm, in the last layer, and in the names of their
tensors, which are those of the published files:

- CVLface: github.com/mk-minchul/CVLface at d3d09c9, models/iresnet/model.py (`IR_101`);
- MagFace: github.com/IrvingMeng/MagFace at 719001a, models/iresnet.py (`iresnet100`).
"""

from __future__ import annotations

from collections import OrderedDict

from torch import Tensor, nn

DEPTHS = (3, 13, 30, 3)
"""Blocks of the four stages of a network of 100 layers."""
WIDTHS = (64, 128, 256, 512)
DIMENSION = 512
_GRID = 7  # side of the last map for faces of 112 pixels


def ir101(depths: list[int] | None = None) -> nn.Module:
    """ArcFace and AdaFace of CVLface.

    Args:
        depths: blocks of the four stages, for a small network; left out, those of the published one.

    Returns:
        A module that takes RGB faces `(n, 3, 112, 112)` in [-1, 1] and gives `(n, 512)`, of any length.
    """
    return CvlFace(tuple(depths or DEPTHS))


def magface(depths: list[int] | None = None) -> nn.Module:
    """MagFace.

    Args:
        depths: blocks of the four stages, for a small network; left out, those of the published one.

    Returns:
        A module that takes faces `(n, 3, 112, 112)` and gives `(n, 512)`, whose length stands for quality. Its authors
        feed BGR in [0, 1].
    """
    return MagFace(tuple(depths or DEPTHS))


class _CvlFaceBlock(nn.Module):
    def __init__(self, before: int, width: int, stride: int) -> None:
        super().__init__()
        # A block that changes only the resolution has no weights on its shortcut.
        self.shortcut_layer = (
            nn.MaxPool2d(1, stride)
            if before == width
            else nn.Sequential(
                nn.Conv2d(before, width, 1, stride, bias=False), nn.BatchNorm2d(width)
            )
        )
        self.res_layer = nn.Sequential(
            nn.BatchNorm2d(before),
            nn.Conv2d(before, width, 3, padding=1, bias=False),
            nn.BatchNorm2d(width),
            nn.PReLU(width),
            nn.Conv2d(width, width, 3, stride, padding=1, bias=False),
            nn.BatchNorm2d(width),
        )

    def forward(self, maps: Tensor) -> Tensor:
        return self.res_layer(maps) + self.shortcut_layer(maps)


class CvlFace(nn.Module):
    """The network of CVLface, in `net` as in its files."""

    def __init__(self, depths: tuple[int, ...]) -> None:
        super().__init__()
        blocks, before = [], WIDTHS[0]
        for width, depth in zip(WIDTHS, depths, strict=True):
            for number in range(depth):
                blocks.append(_CvlFaceBlock(before, width, 1 if number else 2))
                before = width
        self.net = nn.Sequential(
            OrderedDict(
                input_layer=nn.Sequential(
                    nn.Conv2d(3, WIDTHS[0], 3, padding=1, bias=False),
                    nn.BatchNorm2d(WIDTHS[0]),
                    nn.PReLU(WIDTHS[0]),
                ),
                body=nn.Sequential(*blocks),
                output_layer=nn.Sequential(
                    nn.BatchNorm2d(before),
                    nn.Dropout(0.4),
                    nn.Flatten(),
                    nn.Linear(before * _GRID**2, DIMENSION),
                    nn.BatchNorm1d(DIMENSION, affine=False),
                ),
            )
        )

    def forward(self, images: Tensor) -> Tensor:
        """Faces `(n, 3, 112, 112)` to vectors `(n, 512)`."""
        return self.net(images)

    def from_published(self, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
        """Tensors of a file by the names here: wrappers of the hub call the network `model.net`."""
        return {key.removeprefix("model."): value for key, value in tensors.items()}


def _norm(width: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(width, eps=2e-5)


class _MagFaceBlock(nn.Module):
    def __init__(self, before: int, width: int, stride: int) -> None:
        super().__init__()
        self.bn1 = _norm(before)
        self.conv1 = nn.Conv2d(before, width, 3, padding=1, bias=False)
        self.bn2 = _norm(width)
        self.prelu = nn.PReLU(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride, padding=1, bias=False)
        self.bn3 = _norm(width)
        self.downsample = (
            nn.Identity()
            if stride == 1 and before == width
            else nn.Sequential(nn.Conv2d(before, width, 1, stride, bias=False), _norm(width))
        )

    def forward(self, maps: Tensor) -> Tensor:
        inner = self.prelu(self.bn2(self.conv1(self.bn1(maps))))
        return self.bn3(self.conv2(inner)) + self.downsample(maps)


class MagFace(nn.Module):
    """The network of MagFace, named as in its repository."""

    def __init__(self, depths: tuple[int, ...]) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, WIDTHS[0], 3, padding=1, bias=False)
        self.bn1 = _norm(WIDTHS[0])
        self.prelu = nn.PReLU(WIDTHS[0])
        before = WIDTHS[0]
        for stage, (width, depth) in enumerate(zip(WIDTHS, depths, strict=True), start=1):
            blocks = []
            for number in range(depth):
                blocks.append(_MagFaceBlock(before, width, 1 if number else 2))
                before = width
            self.add_module(f"layer{stage}", nn.Sequential(*blocks))
        self.bn2 = _norm(before)
        self.dropout = nn.Dropout2d(0.4)
        self.fc = nn.Linear(before * _GRID**2, DIMENSION)
        self.features = nn.BatchNorm1d(DIMENSION, eps=2e-5)

    def forward(self, images: Tensor) -> Tensor:
        """Faces `(n, 3, 112, 112)` to vectors `(n, 512)`."""
        maps = self.prelu(self.bn1(self.conv1(images)))
        for stage in range(1, len(WIDTHS) + 1):
            maps = self.get_submodule(f"layer{stage}")(maps)
        maps = self.dropout(self.bn2(maps))
        return self.features(self.fc(maps.flatten(1)))

    def from_published(self, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
        """Tensors of a training checkpoint by the names here, without the classifier `fc` beside the network.

        The network is called `features.module` or, where it was wrapped as a whole, `features`.
        """
        for prefix in ("features.module.", "features."):
            found = {
                key.removeprefix(prefix): value
                for key, value in tensors.items()
                if key.startswith(prefix)
            }
            if f"{prefix}conv1.weight" in tensors:
                return found
        return tensors
