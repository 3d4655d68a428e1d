import ast
import importlib
import inspect
import os
import subprocess
import sys
from pathlib import Path

import pytest

import interp

ROOT = Path(__file__).parents[1]


def test_public_names_are_sorted_and_few():
    assert interp.__all__ == sorted(set(interp.__all__))
    assert len(interp.__all__) < 44
    assert dir(interp) == interp.__all__
    assert sorted(name for names in interp._HOMES.values() for name in names) == interp.__all__


@pytest.mark.parametrize(
    "room",
    [
        "interp",
        "interp.cli",
        "interp.gate",
        "interp.report",
        "interp.run",
        "zoo",
        "zoo.cli",
        "zoo.papers",
        "zoo.survey",
    ],
)
def test_type_checkers_see_the_names_where_they_are(room):
    """The imports that only a type checker runs are those that are made when a name is used."""
    module = importlib.import_module(room)
    tree = ast.parse(Path(module.__file__).read_text())
    block = next(node for node in tree.body if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING")
    seen = {node.module: tuple(alias.name for alias in node.names) for node in block.body}
    assert seen == module._HOMES
    assert sorted(name for names in seen.values() for name in names) == sorted(module.__all__)
    assert all(getattr(module, name) is not None for name in module.__all__)


@pytest.mark.parametrize("name", interp.__all__)
def test_public_names_can_be_imported_and_say_what_they_are(name):
    value = getattr(interp, name)
    assert callable(value)
    assert inspect.getdoc(value)
    assert value.__name__ == name
    assert value.__module__.startswith("interp.")


def test_wrong_names_are_refused():
    with pytest.raises(AttributeError, match="module 'interp' has no attribute 'fit_gaussian'"):
        interp.fit_gaussian  # noqa: B018


def test_importing_interp_imports_nothing_but_itself():
    """No library: `import interp` takes no longer than its own file of names."""
    code = "import sys; before = set(sys.modules); import interp; print(*sorted(set(sys.modules) - before))"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert set(done.stdout.split()) <= {"interp", "interp.exports", "__future__"}


def test_inspect_begins_without_pandas():
    """It takes a third of a second, which only tables need; those of a file of columns, say."""
    code = "import sys; import interp.cli.inspect; print('pandas' in sys.modules)"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False"]
