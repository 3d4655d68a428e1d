"""The program as a whole: its commands and their options, exit codes, and how it ends."""

import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import weakref
from contextlib import suppress
from pathlib import Path

import pytest
import torch

from interp.cli import Parser, guarded
from interp.cli.commands import COMMANDS, does
from interp.cli.main import main, report
from interp.errors import UsageError
from interp.run import STAGES, all_settings

ROOT = Path(__file__).parents[2]


def flags_of(command):
    """Give the flags of a command that are not of the model and data."""
    parser = Parser()
    module = __import__(COMMANDS[command], fromlist=["add_arguments"])
    module.add_arguments(parser, command)
    model = {f"--{each.name.replace('_', '-')}" for each in all_settings().values() if each.is_of_model}
    flags = {flag for action in parser._actions for flag in action.option_strings}
    assert model < flags
    return flags - model - {"-h", "--help", "--data", "--out"}


LIMITS = {"--everything", "--quick", "--single-nodes", "--swept-layers", "--inputs"}
STORED = {
    "--store-dtype",
    "--store",
    "--no-store",
    "--predictions",
    "--no-predictions",
    "--forward-dtype",
    "--positions",
    "--codec",
}
OWN = {
    "record": {"--overwrite", "--seed", *STORED},
    "fit": {"--seed", "--everything", "--quick", "--nodes-per-layer"},
    "boundaries": {"--seed", "--epsilon", "--preset", "--everything", "--quick"},
    "prototypes": set(),
    "clusters": {"--seed", "--everything", "--quick", "--nodes-per-layer"},
    "intervene": LIMITS
    | {"--seed", "--levels", "--ablation", "--no-ablation", "--interventions", "--curve-levels", "--layers"}
    | {"--nodes", "--together"},
    "attribute": LIMITS | {"--seed", "--layers"},
    "inspect": {"--json"},
    "screen": set(),
    "compare": {"--brief", "--overwrite", "--quick", "--snapshots"}
    | {"--seed", "--epsilon", "--preset", "--everything", "--nodes-per-layer"}
    | {"--read-copies", *STORED},
    "check": {"--fail-on", "--against", "--junit", "--summary", "--overwrite", "--quick"}
    | {
        "--seed",
        "--epsilon",
        "--preset",
        "--everything",
        "--nodes-per-layer",
        *STORED,
    },
}


@pytest.mark.parametrize("command", OWN)
def test_a_command_has_its_own_options_and_no_others(command):
    assert flags_of(command) == OWN[command]


def test_report_has_those_of_all_stages():
    own = {"--stages", "--until", "--sections", "--overwrite", "--timings"}
    assert flags_of("report") == set().union(*map(flags_of, STAGES)) | own


def test_help_says_what_the_docstring_says_and_the_default(capsys):
    with pytest.raises(SystemExit) as end:
        main(["intervene", "--help"])
    assert end.value.code == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "--levels N number of levels of each intervention (default: 60; large: the published ones)" in shown
    assert "--together NAMES" in shown
    assert "package.module:name (default: scale, clip, offset)" in shown
    assert "--offline downloads are forbidden" in shown


def test_the_overview_lists_every_command(capsys):
    with pytest.raises(SystemExit) as end:
        main(["--help"])
    assert end.value.code == 0
    shown = capsys.readouterr().out
    for command in ("report", "inspect", *STAGES):
        assert re.search(rf"^    {command}\s+{re.escape(does(command))}$", shown, re.M), command
        assert does(command).endswith(".")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "interp: found the following arguments are required: COMMAND; expected a command line as --help shows"),
        (["reprot"], "command: found 'reprot'; .* did you mean report"),
        (["--bogus"], "interp: found .*; expected a command line as --help shows"),
        (["fit", "--levels", "3", "--out", "x"], "interp fit: found unrecognized arguments: --levels;"),
        (["record", "--out", "x"], "interp record: found the following arguments are required: checkpoint;"),
        (["report", "--bogus"], "interp report: found unrecognized arguments: --bogus;"),
        (["report", "--bogus=3", "-q", "--seed", "-1"], "interp report: found unrecognized arguments: --bogus -q;"),
        (["report", "--", "--bogus"], "--bogus: found no such file"),
        (["report", "--data", "--a b"], "found the following arguments are required: checkpoint;"),
        (["no_such_module:STAGE", "--out", "x"], "No module named 'no_such_module'"),
    ],
)
def test_a_wrong_command_line_is_one_line(words, said, capsys):
    assert main(words) == 2
    out, error = capsys.readouterr()
    assert re.search(said, error), error
    assert (out, error.count("\n")) == ("", 1)


def test_report_without_words_asks_for_a_checkpoint_alone(capsys):
    assert report([]) == 2
    expected = "error: python -m interp.report: found the following arguments are required: checkpoint; "
    assert capsys.readouterr().err.startswith(expected)


# --------------------------------------------------------------------------- the user's own code

BROKEN = {"syntax": "def f(:\n", "no words": "raise ValueError\n", "exit": "import sys\nsys.exit()\n"}


@pytest.mark.parametrize("fault", BROKEN)
@pytest.mark.parametrize("option", ["--data", "--model", "--interventions", "--stages", "--sections"])
def test_a_fault_of_the_users_module_is_one_line(option, fault, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    name = f"broken_{fault.replace(' ', '_')}"
    monkeypatch.delitem(sys.modules, name, raising=False)
    Path(f"{name}.py").write_text(BROKEN[fault])
    torch.save({"a.weight": torch.randn(10, 64), "a.bias": torch.zeros(10)}, "net.pt")
    words = {"--data": "digits", option: f"{name}:f"}
    assert main(["report", "net.pt", "--out", "out", *(word for pair in words.items() for word in pair)]) == 2
    out, error = capsys.readouterr()
    assert error.count("\n") == 1, error
    assert f"{name}.py, line " in error
    assert out == ""
    assert not Path("out").exists()


# --------------------------------------------------------------------------- how it ends


def ends(error):
    def program():
        raise error

    return guarded(program)


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (UsageError("--a", found="b", expected="c", do="d"), 2, "error: --a: found b; expected c; d\n"),
        (OSError(28, "No space left", "f"), 2, "error: f: found [Errno 28] No space left: 'f'; expected to read and"),
        (OSError(), 2, "error: a file: found OSError; expected to read and write it; see to it, run again\n"),
        (KeyboardInterrupt(), 130, "interrupted\n"),
        (KeyboardInterrupt(" in fit; go on"), 130, "interrupted in fit; go on\n"),
    ],
)
def test_exit_codes(error, code, line, capsys):
    assert ends(error) == code
    out, shown = capsys.readouterr()
    assert out == ""
    assert shown.startswith(line)
    assert shown.count("\n") == 1


def test_a_fault_of_ours_is_not_hidden():
    with pytest.raises(ZeroDivisionError):
        ends(ZeroDivisionError())


READ_BY_TORCH = {"OMP_WAIT_POLICY": "passive", "THP_MEM_ALLOC_ENABLE": "1"}


def alone(tmp_path, code, *words):
    """Run a program of ours where importing torch runs `code` in its place."""
    (tmp_path / "torch").mkdir()
    (tmp_path / "torch" / "__init__.py").write_text(f"import os, signal, sys, time\n{code}\n")
    environment = {key: value for key, value in os.environ.items() if key not in READ_BY_TORCH}
    environment["PYTHONPATH"] = os.pathsep.join([str(tmp_path), str(ROOT)])
    return subprocess.run([sys.executable, "-m", *words], capture_output=True, text=True, env=environment, cwd=tmp_path)


PROGRAMS = {"interp": ("interp", "inspect", "x"), "interp.report": ("interp.report", "x"), "zoo": ("zoo", "list")}


@pytest.mark.parametrize("program", PROGRAMS)
def test_an_interrupt_while_torch_is_imported_is_one_line(program, tmp_path):
    code = f"print(*[os.environ[name] for name in {[*READ_BY_TORCH]}], flush=True)\n"
    code += "os.kill(os.getpid(), signal.SIGINT)\ntime.sleep(60)"
    done = alone(tmp_path, code, *PROGRAMS[program])
    assert done.returncode == 130
    assert done.stdout.split() == [*READ_BY_TORCH.values()], "what torch reads when it is imported"
    assert done.stderr.startswith("interrupted")
    assert done.stderr.count("\n") == 1


GUARDED = ["__future__", "interp", "interp.cli", "interp.cli.guard", "interp.cli.main", "interp.exports"]


@pytest.mark.parametrize(("first", "more"), [("interp", []), ("interp.report", ["interp.report"])])
def test_next_to_nothing_is_imported_before_an_interrupt_is_answered(first, more):
    """A Ctrl-C while Python itself starts, or while these few are imported, ends in Python's own traceback."""
    code = f"import runpy, sys; before = set(sys.modules); import {first}, interp.cli.main; "
    code += "print(*sorted(set(sys.modules) - before))"
    done = subprocess.run([sys.executable, "-S", "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == GUARDED + more


def test_help_does_not_wait_for_torch(tmp_path):
    done = alone(tmp_path, "raise SystemExit('torch was imported')", "interp", "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert "attribute" in done.stdout


SLOW_TO_IMPORT = ("scipy.stats", "scipy.optimize", "scipy.spatial", "sklearn", "matplotlib", "captum", "torchvision")


def test_a_checkpoint_is_looked_at_without_what_takes_long_to_import():
    """Together they take as long as torch; no network with convolutions or dense layers needs them to be opened."""
    code = "import sys, torch, interp.cli.inspect; from interp.checkpoints import load_model; "
    code += (
        "torch.manual_seed(0); nn = torch.nn; network = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2)); "
    )
    code += "torch.save(network.state_dict(), sys.argv[1]); x = torch.randn(200, 4); "
    code += "model, _ = load_model(sys.argv[1], (x, network(x).argmax(1))); assert 'fit' in model.inferred; "
    code += f"print(*(name for name in {SLOW_TO_IMPORT} if name in sys.modules))"
    with tempfile.TemporaryDirectory() as folder:
        words = [sys.executable, "-c", code, f"{folder}/weights.pt"]
        done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


@pytest.mark.parametrize(("checkpoint", "code"), [("zoo/pretrained/abs-digits.pt", 0), ("no-such-file.pt", 2)])
def test_the_process_ends_at_once_after_what_was_asked_for_its_end(checkpoint, code, tmp_path):
    """Nothing is taken apart, but exit handlers run, and all that was printed is there though it goes to a pipe."""
    text = f"""
import atexit, sys
atexit._clear()  # of what this Python may ask for by itself
from interp.cli import main
class Held:
    def __del__(self):
        print("taken apart")
held = main.held = Held()
sys.argv = ["interp", "inspect", {checkpoint!r}]
def run(*words):
    atexit.register(print, "at exit")
    return real(*words)
real, main.main = main.main, run
sys.exit(main.program())
"""
    done = subprocess.run([sys.executable, "-c", text], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == code
    assert done.stdout.endswith("at exit\n")
    assert "taken apart" not in done.stdout
    assert done.stdout.startswith(checkpoint) if code == 0 else done.stderr.startswith("error: no-such-file.pt")


def test_what_was_asked_for_the_end_before_the_program_began_is_done():
    """Such as the measurement of coverage in a subprocess."""
    text = """
import atexit, sys
atexit.register(print, "asked before")
from interp.cli.guard import whole_process
sys.exit(whole_process(lambda: 3))
"""
    done = subprocess.run([sys.executable, "-c", text], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (3, "asked before\n")


def test_unused_objects_are_looked_for_once_the_command_is_imported():
    """Of libraries' own objects nothing is looked through; of a process that is not the program's, all as before."""
    text = """
import gc
from interp.cli import main
from interp.cli.guard import imported, whole_process
imported()
print(gc.isenabled(), gc.get_freeze_count())
def program():
    print(gc.isenabled())
    code = main.main(["inspect", "no-such-file.pt"])
    print(gc.isenabled(), gc.get_freeze_count() > 100_000)
    return code
whole_process(program)
"""
    done = subprocess.run([sys.executable, "-c", text], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout.split() == ["True", "0", "False", "True", "True"]


def test_a_fault_of_the_program_ends_as_python_ends_it():
    text = "import sys; from interp.cli.guard import whole_process; sys.exit(whole_process(lambda: 1 // 0))"
    done = subprocess.run([sys.executable, "-c", text], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 1
    assert "ZeroDivisionError" in done.stderr


def test_the_console_script_is_the_same_program():
    assert '\n[project.scripts]\ninterp = "interp.cli.main:program"\n' in (ROOT / "pyproject.toml").read_text()


class Freed:
    """An object of which somebody hears that it was freed."""


def test_an_interrupt_that_falls_into_a_callback_is_heard_all_the_same(capfd):
    """Python prints what is raised there and goes on: the program ran to its end, with exit code 0."""
    before = sys.unraisablehook

    def program():
        freed = Freed()
        heard = weakref.ref(freed, lambda _: signal.raise_signal(signal.SIGINT))
        del freed
        assert heard() is None
        end = time.monotonic() + 60
        while time.monotonic() < end:
            time.sleep(0.01)

    assert guarded(program) == 130
    assert capfd.readouterr().err == "interrupted\n"
    assert sys.unraisablehook is before


@pytest.mark.parametrize("end", [None, 3, ValueError("x"), UsageError("a", found="b", expected="c", do="d")])
def test_an_interrupt_that_falls_into_the_last_callback_is_the_end(end, capfd):
    """It comes again a moment later, when nobody is there to answer it any more."""

    def program():
        freed = Freed()
        heard = weakref.ref(freed, lambda _: signal.raise_signal(signal.SIGINT))
        del freed
        assert heard() is None
        if isinstance(end, Exception):
            raise end
        return end

    try:
        if isinstance(end, ValueError):  # a fault of ours is not hidden
            with pytest.raises(ValueError, match="x"):
                guarded(program)
        else:
            assert guarded(program) == 130
            assert capfd.readouterr().err.endswith("interrupted\n")
        time.sleep(0.05)
    except KeyboardInterrupt:
        pytest.fail("came after the end")


def test_an_interrupt_that_came_again_and_was_answered_is_no_second_one():
    def program():
        freed = Freed()
        heard = weakref.ref(freed, lambda _: signal.raise_signal(signal.SIGINT))
        with suppress(KeyboardInterrupt):
            del freed
            end = time.monotonic() + 60
            while time.monotonic() < end:
                time.sleep(0.01)
        assert heard() is None
        return 0

    assert guarded(program) == 0
