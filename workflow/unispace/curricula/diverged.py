"""A training that left the finite numbers."""

from __future__ import annotations

import math

from torch import Tensor

from unispace.errors import UserError


class Diverged(UserError):
    """A loss or gradient is not finite; the network still holds the last good weights."""


def finite(value: Tensor, what: str, names: str, step: int, rate: float) -> float:
    """The value of a loss or gradient norm.

    Args:
        value: a scalar.
        what: `loss` or `gradient`.
        names: of the data sets it belongs to, in words.
        step: from 0.
        rate: learning rate of the step.

    Raises:
        Diverged: where it is not finite.
    """
    number = float(value)
    if not math.isfinite(number):
        raise Diverged(
            f"the {what} of {names} became {number} at step {step + 1} with learning rate "
            f"{rate:.2g}; lower learning_rate or clip_norm"
        )
    return number
