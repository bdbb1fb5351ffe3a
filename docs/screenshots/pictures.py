"""Pictures as files that open on a slow line."""

from __future__ import annotations

import io
import shutil
import subprocess
from pathlib import Path

from PIL import Image

IMAGES = Path(__file__).parents[1] / "images"
LARGEST_FILE = 300_000
"""Bytes."""


def save(picture: Image.Image, name: str) -> None:
    """Write a picture with 256 colours; refuse one that is too large."""
    buffer = io.BytesIO()
    picture.quantize(256, Image.Quantize.MAXCOVERAGE, kmeans=3, dither=Image.Dither.NONE).save(
        buffer, "PNG", optimize=True
    )
    if buffer.tell() > LARGEST_FILE:
        raise ValueError(f"{name}.png has {buffer.tell()} bytes, more than {LARGEST_FILE}")
    IMAGES.mkdir(exist_ok=True)
    (IMAGES / f"{name}.png").write_bytes(buffer.getvalue())
    print(f"docs/images/{name}.png: {picture.width} x {picture.height}, {buffer.tell() / 1000:.0f} kB")


def shoot_page(page: Path, name: str, size: tuple[int, int] = (1100, 900)) -> None:
    """Take a picture of a page, if there is a browser to look at it with."""
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        print(f"{name}.png stays as it is: there is no Chromium")
        return
    picture = page.with_suffix(".png")
    options = ("--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars")
    command = [
        browser,
        *options,
        f"--window-size={size[0]},{size[1]}",
        f"--screenshot={picture}",
        page.as_uri(),
    ]
    subprocess.run(command, check=True, capture_output=True)
    save(Image.open(picture).convert("RGB"), name)
