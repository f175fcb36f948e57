"""Owners of servers, for the tests of forked jobs."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator

import pytest
from forked import Owner, end, start_owner


@pytest.fixture(scope="module", autouse=True)
def signals_as_in_a_terminal():
    """What is started in the background, or by nohup, ignores some signals, and so would all that it starts."""
    usual = {signal.SIGINT: signal.default_int_handler, signal.SIGHUP: signal.SIG_DFL}
    before = {number: signal.signal(number, handler) for number, handler in usual.items()}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture(scope="module")
def owner(tmp_path_factory) -> Iterator[Owner]:
    owner = start_owner(tmp_path_factory.mktemp("owner") / "package")
    yield owner
    end(owner)


@pytest.fixture
def new_owner(tmp_path) -> Iterator[Callable[..., Owner]]:
    """Makes owners that a test may kill."""
    made = []

    def make(**options) -> Owner:
        made.append(start_owner(tmp_path / f"package{len(made)}", **options))
        return made[-1]

    yield make
    for owner in made:
        if owner.process.poll() is None:
            end(owner)
