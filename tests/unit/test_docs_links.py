"""The (?) buttons of the panels lead somewhere, and every command has its section."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

markdown = pytest.importorskip("markdown", reason="comes with the docs extra")

ROOT = Path(__file__).resolve().parents[2]
WIDGETS = ROOT / "src/napari_cellforce/widgets"
PAGES = sorted(
    {
        page
        for source in WIDGETS.rglob("*.py")
        for page in re.findall(r'(?:page=|help_button\(\s*)"([^"]+)"', source.read_text(encoding="utf-8"))
    }
)


def source_of(page: str) -> Path:
    """The markdown file behind a page's address."""
    folder = ROOT / "docs" / page.strip("/")
    return folder / "index.md" if folder.is_dir() else folder.with_suffix(".md")


def anchors_of(path: Path) -> set[str]:
    html = markdown.markdown(path.read_text(encoding="utf-8"), extensions=["toc", "attr_list"])
    return set(re.findall(r'id="([^"]+)"', html))


def test_the_panels_offer_help():
    assert len(PAGES) >= 4


@pytest.mark.parametrize("page", PAGES)
def test_a_help_button_opens_a_page_that_exists_at_a_heading_that_exists(page):
    address, _, anchor = page.partition("#")
    path = source_of(address)
    assert path.is_file(), f"{page} would be {path}"
    assert not anchor or anchor in anchors_of(path), f"{path} has no heading {anchor}"


def test_every_command_has_a_section_with_an_example():
    from napari_cellforce.cli.app import app

    text = (ROOT / "docs/command-line.md").read_text(encoding="utf-8")
    names = {command.name for command in app.registered_commands} | {
        group.name for group in app.registered_groups
    }
    missing = [name for name in names if f"\ncellforce {name}" not in text]
    assert not missing
