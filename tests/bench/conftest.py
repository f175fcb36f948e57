"""One thread for everything, as jobs have it: two ways of computing are compared, not two libraries' threads."""

import pytest
from threadpoolctl import threadpool_limits


@pytest.fixture(scope="session", autouse=True)
def one_thread():
    """Of numpy, SciPy and scikit-learn; torch is told by the tests that import it."""
    with threadpool_limits(1):
        yield
