"""The pictures that README and Apps pages show are those that ./dev pictures takes."""

import json
import re
from pathlib import Path

import pytest

from devtools.pictures import SHOTS
from devtools.workspace import ADDONS

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md"]
PAGES += [ROOT / f"addons/{name}/static/description/index.html" for name in ADDONS]


def shown(page):
    """Return the pictures that a page shows or links to."""
    found = re.findall(r'(?:src="|\]\()([^")]+\.png)', page.read_text())
    return {page.parent / name for name in found} - {page.parent / "icon.png"}


def taken():
    return {
        ROOT / folder / f"{shot['name']}.png"
        for shot in json.loads((ROOT / SHOTS).read_text())
        for folder in shot["folders"]
    }


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.parent.parent.parent.name)
def test_page_shows_pictures_that_are_taken(page):
    pictures = shown(page)
    assert pictures
    assert pictures <= taken()
    assert all(picture.is_file() for picture in pictures)


def test_every_picture_is_shown_somewhere():
    assert taken() == set.union(*map(shown, PAGES))
