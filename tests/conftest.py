"""What tests of several rooms share."""

import pytest
from hypothesis import settings

# The same examples in every run, and no limit that a busy machine could break.
settings.register_profile("unispace", deadline=None, derandomize=True, database=None)
settings.load_profile("unispace")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest first, so that no worker has one of them left when the others are done.

    Workers take whole modules in this order (`--dist loadscope --no-loadscope-reorder`).
    """
    items.sort(key=lambda item: "workflow" not in item.path.parent.parts[-1])
