"""The user's code by name: found, called, and whatever it does wrong told in one line."""

import sys

import pytest

from interp.errors import DataError, UsageError
from interp.safety import imports
from interp.safety.imports import call_name, import_name, is_import, look_up, problem

PATHS = ("stdlib", "purelib", "platlib")


@pytest.fixture
def write(tmp_path, monkeypatch):
    """Write a module into the current folder; gives its name, a new one each time."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [entry for entry in sys.path if entry != ""])

    def written(code):
        name = f"user_module_{abs(hash(code))}"
        (tmp_path / f"{name}.py").write_text(code)
        return name

    return written


def test_the_current_folder_is_looked_in(write):
    assert import_name(f"{write('class A:' + chr(10) + '    three = 3')}:A.three", "--model") == 3


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("def f(:\n", r"SyntaxError: .*\.py, line 1\)"),
        ("x = 1\nraise IndexError\n", r"IndexError \(user_module_\d+\.py, line 2\)"),
        ("raise ValueError('  ')\n", r"ValueError \(user_module_\d+\.py, line 1\)"),
        ("import sys\nsys.exit(3)\n", r"SystemExit: 3 \(user_module_\d+\.py, line 2\)"),
        ("import no_such_package_of_mine\n", r"No module named 'no_such_package_of_mine' \(user_module"),
        ("f = 1\n", r"module 'user_module_\d+' has no attribute 'g'; expected an importable package.module:name"),
    ],
)
def test_what_fails_while_it_is_imported_is_one_line(write, code, said):
    name = write(code)
    with pytest.raises(UsageError, match=rf"^--data {name}:g: found {said}") as caught:
        import_name(f"{name}:g", "--data")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "spec", ["", ":", "no_such_module_here:f", "math", "math:", ".:x", "..math:tau", "math:no.tau"]
)
def test_what_names_nothing_is_an_error_of_ours(spec):
    with pytest.raises(UsageError, match=r"expected an importable package\.module:name"):
        import_name(spec, "--data")


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("def g(): raise KeyError\n", r"KeyError \(user_module_\d+\.py, line 1\)"),
        ("def g(): raise SystemExit\n", r"SystemExit \(user_module"),
        ("def g(x): return x\n", r"TypeError: g\(\) missing 1 required positional argument: 'x'; expected a callable"),
        ("g = 3\n", r"TypeError: 'int' object is not callable; expected a callable that needs no arguments"),
    ],
)
def test_what_fails_when_it_is_called_is_one_line(write, code, said):
    with pytest.raises(UsageError, match=said) as caught:
        call_name(f"{write(code)}:g", "--model")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("folder", ["ours", "stdlib", "purelib"])
def test_a_file_beside_a_package_folder_is_the_users_own(folder, tmp_path, monkeypatch):
    """Its path begins as that of the folder does: `interp_models.py` beside `interp`."""
    beside = tmp_path / "interp"
    if folder == "ours":
        monkeypatch.setattr(imports, "OURS", str(beside))
    else:
        paths = {name: str(beside) if name == folder else str(tmp_path / "lib") for name in PATHS}
        monkeypatch.setattr(imports.sysconfig, "get_path", paths.__getitem__)
    names = {}
    exec(compile("def fail(): raise KeyError", str(beside / "inside.py"), "exec"), names)
    exec(compile("\n\n\ndef made(): fail()", str(tmp_path / "interp_models.py"), "exec"), names)
    with pytest.raises(KeyError) as caught:
        names["made"]()
    assert problem(caught.value) == "KeyError (interp_models.py, line 4)"


def test_an_error_of_ours_in_the_users_code_is_passed_on(write):
    code = "from interp.errors import DataError\ndef g(): raise DataError('a', found='b', expected='c', do='d')\n"
    with pytest.raises(DataError, match=r"^a: found b; expected c; d$"):
        call_name(f"{write(code)}:g", "--data")


def test_an_interrupt_is_no_fault_of_the_module(write):
    with pytest.raises(KeyboardInterrupt):
        import_name(f"{write('raise KeyboardInterrupt')}:g", "--data")


def test_a_wrong_name_is_answered_with_the_close_ones():
    with pytest.raises(UsageError, match=r"^--format: found 'onx'; expected one of onnx; did you mean onnx\?$"):
        look_up("onx", {"onnx": 1}, "--format")


@pytest.mark.parametrize(("spec", "is_one"), [("a.b:c", True), ("a:b.c", True), ("C:\\x.csv", False), ("a", False)])
def test_code_to_import_is_told_from_other_names(spec, is_one):
    assert is_import(spec) is is_one
