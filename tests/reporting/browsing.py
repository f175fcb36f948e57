"""What browser tests share: which browser, how a page is opened, and what of it is looked at."""

import shutil
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
needs_browser = pytest.mark.skipif(
    CHROMIUM is None, reason="no Chromium here; `apt-get install chromium` brings one"
)
WIDE, NARROW = 1280, 390
BOTH = [(WIDE, "light"), (NARROW, "dark"), (WIDE, "dark"), (NARROW, "light")]
_WCAG = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]}}
_ROWS_LOOKED_AT = 10
# What may be wider than the screen scrolls by itself.
_SCROLLS = ".sheet, .plate, pre, .sr, .skip, dialog, .readout, .ruler"


def opened(browser: Browser, path: Path, width: int, scheme: str, said: list[str]) -> Page:
    """The page from its file, when everything in it is open; what the browser says about it goes into `said`."""
    # A page that still glides to where a link leads is clicked beside the next link.
    context = browser.new_context(
        viewport={"width": width, "height": 900}, color_scheme=scheme, reduced_motion="reduce"
    )
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    page = context.new_page()
    page.set_default_timeout(60_000)
    page.on("console", lambda message: said.append(f"{message.type}: {message.text}"))
    page.on("pageerror", lambda error: said.append(f"error: {error}"))
    page.on("request", lambda request: said.append(f"request: {request.url}"))
    page.goto(path.as_uri())
    packed = page.locator("img[data-drawing], table[data-columns]")
    expect(packed).to_have_count(0, timeout=60_000)
    return page


def complaints(said: list[str], path: Path) -> list[str]:
    """What the browser said beside loading the page itself and what is in it."""
    own = ("request: data:", "request: blob:", f"request: {path.as_uri()}")
    return [line for line in said if not line.startswith(own)]


def overflowing(page: Page) -> list[str]:
    """The elements that reach beyond the right side of the screen, and the page itself if it does."""
    wider = page.evaluate(
        f"""[...document.querySelectorAll("body *")]
        .filter((e) => e.getBoundingClientRect().right > innerWidth + 1 && !e.closest({_SCROLLS!r}))
        .map((e) => e.outerHTML.slice(0, 120))"""
    )
    if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
        wider.append("the page")
    return wider


def violations(page: Page) -> list[tuple[str, str, list[str]]]:
    """What axe has against a page by WCAG 2.1 AA."""
    # Rows of the longest tables are made alike; axe looks at all colours of all cells, which takes minutes.
    rows = f"tbody tr:nth-child(n+{_ROWS_LOOKED_AT + 1})"
    most = {"exclude": [[f"table.full {rows}"], [f"table[data-filter] {rows}"]]}
    found = Axe().run(page, most, _WCAG).response["violations"]
    return [
        (rule["id"], rule["help"], [node["html"][:160] for node in rule["nodes"][:3]])
        for rule in found
    ]
