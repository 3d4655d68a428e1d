"""Imports run down the rooms of docs/design.md, directly and round every corner."""

import ast
import re
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

ANALYSIS = (
    "threads",
    "checks",
    "counts",
    "statistics",
    "outputs",
    "ensembles",
    "similarity",
    "moments",
    "mergeable",
    "mixtures",
    "distributions",
    "components",
    "gaussians",
    "nulls",
    "distances",
    "labels",
    "boundaries",
    "prototypes",
    "clusters",
)
"""Modules of `interp.analysis`, lowest first: each may import those before it."""

CHECKPOINTS = {
    "weights": (),
    "graph": ("weights",),
    "formats": ("weights", "graph"),
    "deployed": ("graph", "formats"),
    "architectures": ("weights", "formats"),
    "inference": ("graph",),
}
"""Rooms of `interp.checkpoints` -> the rooms that they may use; what lies beside the rooms uses them all."""

COMMANDS = ("interp", "interp.__main__", "interp.report.__main__")
"""What may use every room: the public names, and the modules that ``python -m`` runs."""

PURE = ("numpy", "scipy", "sklearn", "pandas", "threadpoolctl", "interp.errors", "interp.types")
HEAVY_FOR_SECTIONS = ("torch", "h5py", "scipy", "sklearn", "captum", "interp.analysis", "interp.store")
STANDARD = (
    "__future__",
    "collections",
    "concurrent",
    "contextlib",
    "dataclasses",
    "functools",
    "os",
    "sys",
    "threading",
    "typing",
    "warnings",
)


def rooms():
    """Read the rooms off the design page, lowest first."""
    table = (ROOT / "docs" / "design.md").read_text().split("## Rooms")[1].split("\n## ")[0]
    return re.findall(r"^\| `(\w+)` \|", table, re.M)


@cache
def imports_of(name, source, typed=False):
    """Everything a module imports, inside functions too; what only a type checker reads if `typed`."""
    tree, found = ast.parse(source), set()
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING" and not typed:
            node.body = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name}: relative imports"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def sources():
    files = {path: path.relative_to(ROOT).with_suffix("") for path in (ROOT / "interp").rglob("*.py")}
    return {".".join(p for p in name.parts if p != "__init__"): path.read_text() for path, name in files.items()}


def graph_of(modules, typed=False):
    """Module -> what it imports; a name imported from one of ours counts as that module."""
    graph = {}
    for name, source in modules.items():
        found = set()
        for target in imports_of(name, source, typed):
            parts = target.split(".")
            known = (".".join(parts[:n]) for n in range(len(parts), 0, -1))
            found.add(next((module for module in known if module in modules), target))
        graph[name] = found - {name, "interp"}
    return graph


def reached(graph):
    """Module -> everything of ours that it imports, directly or through others."""
    whole = {}

    def walk(name, above=()):
        if name not in whole and name not in above:
            direct = {target for target in graph.get(name, ()) if within(target, "interp")}
            whole[name] = direct.union(*(walk(target, (*above, name)) for target in direct))
        return whole.get(name, set())

    for name in graph:
        walk(name)
    return whole


def within(target, *packages):
    return any(target == package or target.startswith(f"{package}.") for package in packages)


def room_of(module):
    parts = module.split(".")
    return parts[1] if module not in COMMANDS and len(parts) > 1 else None


def inner_room(module):
    parts = module.removeprefix("interp.checkpoints.").split(".")
    return parts[0] if within(module, "interp.checkpoints") and parts[0] in CHECKPOINTS else None


def upward(graph):
    """List every way, direct or not, from a room into one above it."""
    order = {name: height for height, name in enumerate(rooms())}
    return [
        f"{name} reaches {target}"
        for name, targets in reached(graph).items()
        for target in sorted(targets)
        if (low := room_of(name)) and ((high := room_of(target)) is None or order[low] < order[high])
    ]


def forbidden(name, target):
    """Whether a module may not import another for a reason of its own, whatever their rooms."""
    short, *inner = name.removeprefix("interp.analysis.").split(".")
    if within(target, "zoo") or (within(target, "h5py") and not within(name, "interp.store")):
        return True
    if within(name, "interp.analysis") and name != "interp.analysis":
        end = ANALYSIS.index(short) + bool(inner)  # what lies in a room may use its neighbours there
        lower = (f"interp.analysis.{other}" for other in ANALYSIS[:end])
        return not within(target, name, *PURE, *STANDARD, *lower)  # a room exports what lies in it
    if within(name, "interp.report.sections"):
        return within(target, *HEAVY_FOR_SECTIONS)
    if (room := inner_room(name)) and within(target, "interp.checkpoints"):
        return inner_room(target) not in (room, *CHECKPOINTS[room])
    return False


def wrong_arrows(modules):
    """List every import that runs the wrong way."""
    graph = graph_of(modules)
    direct = [f"{name} imports {target}" for name in graph for target in sorted(graph[name]) if forbidden(name, target)]
    return direct + upward(graph)


def test_every_room_is_in_the_table():
    there = {p.stem for p in (ROOT / "interp").iterdir() if p.suffix == ".py" or (p / "__init__.py").exists()}
    assert there - {"__init__", "__main__"} == set(rooms())


def test_imports_run_one_way():
    modules = sources()
    assert {f"interp.analysis.{name}" for name in ANALYSIS} <= modules.keys()
    assert wrong_arrows(modules) == []


def circle(graph):
    """Modules of ours that import each other round a corner; empty where none do."""
    ours = {name: {target for target in found if within(target, "interp")} for name, found in graph.items()}
    try:
        TopologicalSorter(ours).prepare()
    except CycleError as error:
        return " -> ".join(error.args[1])
    return ""


def test_no_module_imports_itself_round_a_corner():
    assert circle(graph_of(sources())) == ""


def test_nor_does_one_for_types_alone():
    """Rooms that name what they export for type checkers import all that is in them, and are left out."""
    modules = {name: source for name, source in sources().items() if "on_first_use(__name__" not in source}
    assert circle(graph_of(modules, typed=True)) == ""
    modules["interp.store.atomic"] += "\nif TYPE_CHECKING:\n    from interp.store.files import opened\n"
    assert circle(graph_of(modules, typed=True)) != ""
    assert circle(graph_of(modules)) == ""


@pytest.mark.parametrize(
    ("module", "line", "said"),
    [
        ("interp.analysis.gaussians", "import torch", "interp.analysis.gaussians imports torch"),
        (
            "interp.analysis.moments",
            "from interp.analysis.gaussians import fit_gaussians",
            "interp.analysis.moments imports interp.analysis.gaussians",
        ),
        ("interp.analysis.clusters", "def f():\n    import h5py", "interp.analysis.clusters imports h5py"),
        ("interp.recording.record", "from h5py import File", "interp.recording.record imports h5py.File"),
        ("interp.network.nodes", "from zoo.layers import Abs", "interp.network.nodes imports zoo.layers.Abs"),
        ("interp.types.data", "from interp import network", "interp.types.data reaches interp.network"),
        ("interp.network.caps", "import interp.recording.record", "interp.network.caps reaches interp.store.files"),
        (
            "interp.checkpoints.weights.packed",
            "from interp.checkpoints.graph.steps import Step",
            "interp.checkpoints.weights.packed imports interp.checkpoints.graph.steps",
        ),
        (
            "interp.checkpoints.inference.fit",
            "from interp.checkpoints.drafts.request import Request",
            "interp.checkpoints.inference.fit imports interp.checkpoints.drafts.request",
        ),
        (
            "interp.report.sections.layers",
            "def f():\n    from interp.analysis.statistics import share_interval",
            "interp.report.sections.layers imports interp.analysis.statistics",
        ),
    ],
)
def test_a_planted_wrong_import_is_found(module, line, said):
    modules = sources()
    modules[module] += f"\n{line}\n"
    assert said in wrong_arrows(modules)
