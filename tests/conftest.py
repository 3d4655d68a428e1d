"""What every test may use."""

import gc
import os
import signal
from pathlib import Path

import pytest

# Read when torch is first imported, as the commands set it: spinning threads take a busy machine from each other.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

if workers := int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "0")):  # they share the cores, so their threads do too
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // workers)))

if (
    signal.getsignal(signal.SIGINT) == signal.SIG_IGN
):  # so a shell starts what runs in the background, with all it starts
    signal.signal(signal.SIGINT, signal.default_int_handler)

MOST_WORKERS = 8  # each takes about 1 GB


def pytest_xdist_auto_num_workers() -> int:
    """Give the number of processes for ``-n auto``."""
    return min(os.cpu_count() or 1, MOST_WORKERS)


LONGEST = (
    "report/test_page.py",
    "test_api.py",
    "test_edges.py",
    "report/test_sections.py",
    "checkpoints/inference/test_published.py",
    "run/test_recurrent_runs.py",
    "checkpoints/inference/test_facts.py",
    "zoo/papers/test_reproduce.py",
    "interventions/test_commands.py",
    "checkpoints/formats/test_fuzz.py",
    "run/test_every_task.py",
    "run/test_reuse.py",
    "zoo/training/test_train.py",
    "zoo/planted/test_families.py",
    "analysis/test_labels.py",
    "report/test_browser.py",
)
"""Files that take 10 seconds of a core and more: begun first, so that none is left alone at the end.

The first makes the page that the last looks at in a browser: side by side, one would wait for the other.
"""


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Keep the tests of a file in one process, so that what they share is made once; files in the order collected."""
    from xdist.scheduler import LoadFileScheduling

    if config.getvalue("dist") != "load":
        return None
    config.option.loadscopereorder = False
    return LoadFileScheduling(config, log)


def pytest_collection_modifyitems(items):
    """Put the tests of the longest files first."""
    order = {path: number for number, path in enumerate(LONGEST)}
    place = {item.path: order.get(item.path.as_posix().rpartition("/tests/")[2], len(order)) for item in items}
    items.sort(key=lambda item: place[item.path])


@pytest.hookimpl(wrapper=True)
def pytest_collection():
    """Keep the garbage collector from what lives to the end: it would visit half a million objects again and again."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.set_threshold(10_000, 10, 10)
        gc.enable()


@pytest.fixture(scope="session")
def shared() -> Path:
    """Give the folder of published checkpoints and data beside the repository; skip where it is not."""
    data = os.environ.get("INTERP_DATA")
    for folder in (Path(__file__).parents[2] / "shared", *([Path(data).parent] if data else [])):
        if (folder / "fixtures").is_dir():
            return folder
    pytest.skip("no folder of shared fixtures beside the repository or beside INTERP_DATA")


@pytest.fixture(scope="session")
def mnist_root(shared) -> Path:
    """Give the folder that MNIST/raw lies in; skip where it is not."""
    if not (shared / "data" / "MNIST" / "raw").is_dir():
        pytest.skip("no MNIST")
    return shared / "data"


@pytest.fixture(scope="session", autouse=True)
def _folder_of_tiny_runs(tmp_path_factory):
    """Give all processes of a session one folder for what they make once; see tiny_runs.py."""
    folder = tmp_path_factory.getbasetemp()
    os.environ["TINY_RUNS"] = str(folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder)


@pytest.fixture
def few_draws():
    """Let runs of a test be quick, where it is not of what is drawn at random."""
    import quick  # and with it torch, which the process that hands out the tests does without

    with quick.few_draws():
        yield


@pytest.fixture
def blank_figures():
    """Let pages of a test be quick, where it is not of their figures."""
    import quick

    with quick.blank_figures():
        yield
