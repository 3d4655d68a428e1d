"""Imports run one way: commands -> pipeline -> stages -> types (docs: DESIGN, section 3)."""

import ast
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

ANALYSIS = ("statistics", "moments", "mixtures", "gaussians", "chance", "boundaries", "prototypes", "clusters")
"""Pure analysis of arrays, lowest first: each may import those before it."""

ROOMS = {
    "weights": (),
    "graphs": ("weights",),
    "formats": ("weights", "graphs"),
    "architectures": ("weights", "formats"),
    "inference": ("graphs",),
}
"""Rooms of `interp.checkpoints` -> the rooms that they may use; what lies beside the rooms uses them all."""

PURE = ("numpy", "scipy", "sklearn", "pandas", "threadpoolctl")
COMMANDS = ("interp.__main__", "interp.report.__main__", "interp.arguments")
ABOVE_STAGES = (*COMMANDS, "interp.pipeline", "interp.runs", "interp.settings", "interp.summaries")
HEAVY_FOR_SECTIONS = ("torch", "h5py", "scipy", "sklearn", "captum", "interp.statistics", "interp.store")
STANDARD = ("__future__", "collections", "concurrent", "dataclasses", "functools", "os", "typing", "warnings")


def imports_of(name, source):
    """Everything a module imports, inside functions too; what only a type checker reads is left out."""
    tree, found = ast.parse(source), set()
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
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


def graph_of(modules):
    """Module -> what it imports; a name imported from one of ours counts as that module."""
    graph = {}
    for name, source in modules.items():
        found = set()
        for target in imports_of(name, source):
            parts = target.split(".")
            known = (".".join(parts[:n]) for n in range(len(parts), 0, -1))
            found.add(next((module for module in known if module in modules), target))
        graph[name] = found - {name, "interp"}
    return graph


def within(target, *packages):
    return any(target == package or target.startswith(f"{package}.") for package in packages)


def room_of(module):
    parts = module.removeprefix("interp.checkpoints.").split(".")
    return parts[0] if within(module, "interp.checkpoints") and parts[0] in ROOMS else None


def wrong_arrows(modules):
    """List every import that runs the wrong way."""
    wrong = []
    for name, targets in graph_of(modules).items():
        short = name.removeprefix("interp.")
        for target in sorted(targets):
            allowed = True
            if short in ANALYSIS:
                lower = [f"interp.{other}" for other in ANALYSIS[: ANALYSIS.index(short)]]
                allowed = within(target, *PURE, *STANDARD) or target in ("interp.types", "interp.errors", *lower)
            elif within(name, "interp.report.sections"):
                allowed = not within(target, *HEAVY_FOR_SECTIONS)
            elif within(name, "interp.types"):
                allowed = not within(target, "interp") or within(target, "interp.types", "interp.errors")
            elif name in ("interp.errors", "interp.activations"):
                allowed = not within(target, "interp") or target == "interp.errors"
            if (room := room_of(name)) and within(target, "interp.checkpoints"):
                allowed = room_of(target) in (room, *ROOMS[room])
            if within(target, "h5py"):
                allowed &= within(name, "interp.store")
            if within(target, "zoo"):
                allowed = False
            if target in ABOVE_STAGES:
                allowed &= name in ABOVE_STAGES
            if target in COMMANDS:
                allowed &= name in COMMANDS
            if not allowed:
                wrong.append(f"{name} imports {target}")
    return wrong


def test_imports_run_one_way():
    modules = sources()
    assert {f"interp.{name}" for name in ANALYSIS} <= modules.keys()
    assert wrong_arrows(modules) == []


def test_no_module_imports_itself_round_a_corner():
    ours = {name: {t for t in found if within(t, "interp")} for name, found in graph_of(sources()).items()}
    try:
        TopologicalSorter(ours).prepare()
    except CycleError as error:
        pytest.fail(f"a circle of imports: {' -> '.join(error.args[1])}")


@pytest.mark.parametrize(
    ("module", "line", "said"),
    [
        ("interp.gaussians", "import torch", "interp.gaussians imports torch"),
        ("interp.moments", "from interp.gaussians import fit_gaussians", "interp.moments imports interp.gaussians"),
        ("interp.clusters", "def f():\n    import h5py", "interp.clusters imports h5py"),
        ("interp.record", "from h5py import File", "interp.record imports h5py.File"),
        ("interp.nodes", "from zoo.layers import Abs", "interp.nodes imports zoo.layers.Abs"),
        ("interp.record", "from interp.pipeline import run_all", "interp.record imports interp.pipeline"),
        ("interp.pipeline", "from interp import arguments", "interp.pipeline imports interp.arguments"),
        ("interp.types", "from interp import nodes", "interp.types imports interp.nodes"),
        (
            "interp.checkpoints.weights.packed",
            "from interp.checkpoints.graphs.steps import Step",
            "interp.checkpoints.weights.packed imports interp.checkpoints.graphs.steps",
        ),
        (
            "interp.checkpoints.inference.fit",
            "from interp.checkpoints.request import Request",
            "interp.checkpoints.inference.fit imports interp.checkpoints.request",
        ),
        (
            "interp.report.sections.layers",
            "def f():\n    from interp.statistics import wilson_interval",
            "interp.report.sections.layers imports interp.statistics",
        ),
    ],
)
def test_a_planted_wrong_import_is_found(module, line, said):
    modules = sources()
    modules[module] += f"\n{line}\n"
    assert wrong_arrows(modules) == [said]
