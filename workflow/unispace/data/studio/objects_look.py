"""The appearance of instances, resolved to colours and numbers, as the class painters take it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from unispace.data.studio.canvas import Floats
from unispace.data.studio.pen import Pen
from unispace.data.studio.stage import Doubles
from unispace.data.studio.swatches import mix, tinted

BLACK = (0.10, 0.10, 0.12)
WHITE = (0.97, 0.97, 0.95)
METAL = (0.70, 0.73, 0.77)
WOOD = (0.66, 0.44, 0.25)
GLASS = (0.66, 0.84, 0.92)
LEAF = (0.25, 0.60, 0.27)


@dataclass(frozen=True)
class Look:
    """Appearance, one per image.

    Attributes:
        main, second: colours `(n, 3)`.
        aspect: width factor `(n,)`, about 1.
        a, b, c: class-specific sizes `(n,)` in [0, 1].
        style: class-specific variant `(n,)`: 0, 1 or 2.
    """

    main: Floats
    second: Floats
    aspect: Doubles
    a: Doubles
    b: Doubles
    c: Doubles
    style: NDArray[np.int64]

    def only(self, chosen: NDArray[np.bool_]) -> Look:
        """The looks of the images in the mask `chosen`, `(n,)`."""
        return Look(*(getattr(self, f.name)[chosen] for f in fields(self)))

    def near(self, natural: ArrayLike, share: float = 0.18) -> Floats:
        """A natural colour, a little tinted by the instance's main colour, `(n, 3)`."""
        return mix(
            np.broadcast_to(np.asarray(natural, np.float32), self.main.shape), self.main, share
        )


Painter = Callable[[Pen, Look], None]


def looks(instances: pd.DataFrame) -> Look:
    """Resolve a table as from `objects.sample_instances`."""
    numbers = {
        name: instances[name].to_numpy(np.float64)
        for name in ("aspect", "part_a", "part_b", "part_c")
    }
    return Look(
        main=tinted(instances["main_colour"], instances["main_tone"]),
        second=tinted(instances["second_colour"], instances["second_tone"]),
        aspect=numbers["aspect"],
        a=numbers["part_a"],
        b=numbers["part_b"],
        c=numbers["part_c"],
        style=instances["style"].to_numpy(np.int64),
    )


def styled(pen: Pen, look: Look, style: int) -> tuple[Pen, Look]:
    """Pen and look of the instances of one style."""
    chosen = look.style == style
    return pen.only(chosen), look.only(chosen)
