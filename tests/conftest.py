"""What tests of several rooms share."""

import logging
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from unispace.kernels import choose

# As in every job, and before a library is loaded: what a test computes here and a job elsewhere are the same bits.
choose(os.environ)

# What a shell starts in the background ignores interrupts, and so would all that tests start to interrupt it.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# The same examples in every run, and no limit that a busy machine could break.
settings.register_profile("unispace", deadline=None, derandomize=True, database=None)
settings.load_profile("unispace")


_FIRST = ("workflow", "reporting")
"""Folders of tests that take longest, the longest first."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest first, so that no worker has one of them left when the others are done.

    Workers take whole modules in this order (`--dist loadscope --no-loadscope-reorder`).
    """

    def place(item: pytest.Item) -> int:
        folder = item.path.relative_to(Path(__file__).parent).parts[0]
        return _FIRST.index(folder) if folder in _FIRST else len(_FIRST)

    items.sort(key=place)


@pytest.fixture(autouse=True)
def _log_as_it_was() -> Iterator[None]:
    """A command that ran inside a test leaves no handler behind, whose stream pytest closes with the test."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = [h for h in root.handlers if h in handlers]
    root.setLevel(level)
