"""The same bits in every run."""

from __future__ import annotations

import torch


def fix_arithmetic(threads: int) -> None:
    """Make torch give the same bits in every run with this number of threads."""
    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(True)
    # This would overwrite every new tensor, for the sake of operations that read what nobody wrote; there are none
    # in a network, and small ones spend a twentieth of their time on it.
    # The module makes this attribute when it is imported, which the checker does not see.
    torch.utils.deterministic.fill_uninitialized_memory = False  # pyright: ignore[reportAttributeAccessIssue]
