"""What tests of several rooms share."""

import pytest
from hypothesis import settings

# The same examples in every run, and no limit that a busy machine could break.
settings.register_profile("unispace", deadline=None, derandomize=True, database=None)
settings.load_profile("unispace")


_FIRST = ("workflow", "reporting")
"""Folders of tests that take longest, the longest first."""


@pytest.hookimpl(tryfirst=True)  # xdist reads the groups in this hook, too
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Say what a worker takes as a whole, and what first, so that none has much left when the others are done.

    That is a module, whose fixtures are made once. Tests of the report share a study that takes half a minute to draw.
    """

    def folder(item: pytest.Item) -> str:
        return item.path.parent.name

    for item in items:
        group = "reporting" if folder(item) == "reporting" else item.nodeid.partition("::")[0]
        item.add_marker(pytest.mark.xdist_group(group))
    items.sort(key=lambda i: _FIRST.index(folder(i)) if folder(i) in _FIRST else len(_FIRST))
