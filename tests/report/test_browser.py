"""The page in a real browser: nothing overflows on a phone, sorting sorts, nothing is asked of the network."""

import json
import re
import shutil
import subprocess

import pytest

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = pytest.mark.skipif(BROWSER is None, reason="no Chromium on this machine")

PROBE = """
<script>
addEventListener("load", () => {
  const table = document.querySelector("table.sortable");
  const heading = [...table.tHead.rows[0].cells].at(-1);
  heading.querySelector("button").click();
  const column = heading.cellIndex;
  const found = {
    overflow: document.documentElement.scrollWidth - document.documentElement.clientWidth,
    keys: [...table.tBodies[0].rows].map((row) => row.cells[column].dataset.key),
    sorted: heading.getAttribute("aria-sort"),
    requests: performance.getEntriesByType("resource").filter((e) => !e.name.startsWith("data:")).length,
    broken: [...document.images].filter((image) => !image.complete || image.naturalWidth === 0).length,
    images: document.images.length,
  };
  const out = document.createElement("pre");
  out.id = "probe";
  out.textContent = JSON.stringify(found);
  document.body.append(out);
});
</script>
"""


@pytest.fixture(scope="module", params=[390, 1280], ids=["phone", "desktop"])
def probed(request, written, tmp_path_factory):
    """Open the page in a browser of its own profile: two that share one wait for each other."""
    folder = tmp_path_factory.mktemp("browser")
    text = (written[0] / "report.html").read_text(encoding="utf-8")
    (folder / "probe.html").write_text(text.replace("</body>", PROBE + "</body>"), encoding="utf-8")
    command = [str(BROWSER), "--headless", "--no-sandbox", "--disable-gpu", f"--window-size={request.param},1200"]
    command += [f"--user-data-dir={folder / 'profile'}", "--no-first-run"]
    command += ["--virtual-time-budget=3000", "--dump-dom", (folder / "probe.html").as_uri()]
    dom = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True).stdout
    found = re.search(r'<pre id="probe">(.*?)</pre>', dom, re.DOTALL)
    assert found, "the page's scripts did not run"
    return json.loads(found[1].replace("&quot;", '"').replace("&amp;", "&"))


def test_nothing_overflows_sideways(probed):
    assert probed["overflow"] <= 0


def test_a_click_sorts(probed):
    numbers = [float(key) for key in probed["keys"] if key]
    assert probed["sorted"] == "ascending"
    assert len(numbers) > 1
    assert numbers == sorted(numbers)


def test_every_picture_shows_without_the_network(probed):
    assert probed["images"] > 5
    assert probed["broken"] == 0
    assert probed["requests"] == 0
