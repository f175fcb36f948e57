"""What the README and the pages tell people to write is a sound study."""

import re
from pathlib import Path

import pytest
import yaml

from unispace.config.parse import load_yaml, parse_study

ROOT = Path(__file__).resolve().parents[2]
PAGES = [
    ROOT / "README.md",
    ROOT / "docs" / "curricula.md",
    ROOT / "docs" / "maps.md",
    ROOT / "docs" / "tradeoffs.md",
]
NAMED = ("datasets", "backbones", "curricula")


def blocks(page):
    found = re.findall(r"^```yaml\n(.*?)^```", page.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    # Commits and checksums are not written out.
    commits = [re.sub(r"revision: 0123\.\.\.", f"revision: {'01ab' * 10}", b) for b in found]
    return [block.replace("0123...", "01ab" * 16) for block in commits]


def laid_over(study, further):
    """A study with the parts of another: of one name the new one stands, lists are joined."""
    merged = dict(study)
    for key, value in further.items():
        before = merged.get(key)
        if isinstance(value, dict) and isinstance(before, dict):
            merged[key] = {**before, **value} if key in NAMED else laid_over(before, value)
        elif isinstance(value, list) and isinstance(before, list):
            merged[key] = [*before, *(item for item in value if item not in before)]
        else:
            merged[key] = value
    return merged


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_what_a_page_shows_can_stand_in_the_default_study(page):
    study = yaml.safe_load((ROOT / "config.yaml").read_text("utf-8"))
    shown = [load_yaml(block, page.name) for block in blocks(page)]
    # No backbone can embed what has no images: embeddings made elsewhere are shown as a study of their own.
    beside = [block for block in shown if "embeddings" not in block]
    assert beside
    for block in beside:
        study = laid_over(study, block)
    parse_study(study, page.name)


def test_the_readme_shows_a_sound_study_of_embeddings():
    page = ROOT / "README.md"
    shown = [load_yaml(block, page.name) for block in blocks(page)]
    (own,) = [block for block in shown if "embeddings" in block]
    tested = {"datasets": list(own["datasets"])}
    parse_study({"study": "own", "evaluation": tested, **own}, page.name)
