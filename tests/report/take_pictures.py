"""Take the pictures of a page that the documentation shows, docs/page*.png: ``python tests/report/take_pictures.py``.

Chromium has to be on the path. What is drawn is the report on the network that comes with the repository.
"""

import tempfile
import time
from pathlib import Path

from chromium import Tab
from PIL import Image

from interp.cli.main import main

ROOT = Path(__file__).parents[2]

PICTURES = {
    "page": (1180, 1500, "", {}),
    "page-dark": (1180, 1500, "", {"prefers_color_scheme": "dark"}),
    "page-phone": (400, 1500, "", {}),
    "page-print": (800, 1130, "", {"media": "print"}),
    "page-node": (1180, 2150, "#hidden:17", {}),
    "page-nodes": (1180, 900, "#all-nodes", {}),
}
"""Name -> width and height in pixels, place on the page, and what the browser pretends to be."""


def take(page: Path, name: str) -> None:
    """Take one picture."""
    width, height, place, media = PICTURES[name]
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile, Tab(Path(profile), width, height) as tab:
        tab.resize(width, height)
        if media:
            tab.pretend(**media)
        tab.open(f"{page.as_uri()}{place}")
        time.sleep(1.5)  # pictures of nodes are unpacked when they come into view
        if name == "page-print":
            tab.run("document.body.style.padding = '2rem'; 1")
        tab.picture(ROOT / "docs" / f"{name}.png")
    Image.open(ROOT / "docs" / f"{name}.png").convert("RGB").save(ROOT / "docs" / f"{name}.png", optimize=True)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as out:
        assert main(["report", str(ROOT / "zoo" / "pretrained" / "abs-digits.pt"), "--out", out]) == 0
        for name in PICTURES:
            take(Path(out, "report.html"), name)
