"""The same bits in every run."""

from __future__ import annotations

import torch


def fix_arithmetic(threads: int) -> None:
    """Make torch give the same bits in every run with this number of threads."""
    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(True)
