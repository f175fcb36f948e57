"""The synthetic study, built and drawn once for all tests of reporting."""

import pytest
from browsing import CHROMIUM
from playwright.sync_api import sync_playwright
from synthetic import build
from synthetic_config import default_config
from synthetic_disk import Disk
from synthetic_page import draw_all, render_page


@pytest.fixture(scope="session")
def disk(tmp_path_factory: pytest.TempPathFactory) -> Disk:
    """The default study: four domains, maps, a failed cell."""
    return build(tmp_path_factory.mktemp("study"), default_config())


@pytest.fixture(scope="session")
def drawn(disk: Disk) -> Disk:
    """The study with all of its pictures."""
    draw_all(disk)
    return disk


@pytest.fixture(scope="session")
def html(drawn: Disk) -> str:
    """Its page."""
    return render_page(drawn)


@pytest.fixture(scope="session")
def browser():
    """A headless Chromium."""
    with sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield started
        started.close()
