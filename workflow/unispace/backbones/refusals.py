"""How torch and the libraries above it refuse."""

from __future__ import annotations

# What they raise for options or images that make no network.
REFUSALS = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    RuntimeError,
    TypeError,
    ValueError,
)
