"""Docstrings say what things are: fields are noun phrases that stand alone; exported functions have examples."""

import ast
import importlib
import inspect
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

NOT_A_NOUN = re.compile(
    r"(Of|As|Such as|The same|Its|Their|That|Whether (it|its|they|this|that)|What|How|Where|Which|If|In|For|From|To"
    r"|Gives|Makes|Put|Called|Taken|Also)\b"
)
"""Beginnings of descriptions that are no noun phrase, or that lean on the one before."""

SHAPE = re.compile(r"\([^()]*\)")


@cache
def files():
    """Path below the root -> source, of all modules of `interp` and `zoo`."""
    paths = [path for package in ("interp", "zoo") for path in sorted((ROOT / package).rglob("*.py"))]
    return {path.relative_to(ROOT).as_posix(): path.read_text() for path in paths}


def sections(docstring):
    """Title of a numpydoc section -> its text."""
    parts = re.split(r"^(\w[\w ]*)\n-{3,}\n", f"{inspect.cleandoc(docstring)}\n", flags=re.M)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def entries(section):
    """Yield name and description of the entries of a section, the description in one line."""
    for entry in re.split(r"^(?=\S)", section, flags=re.M)[1:]:
        name, _, description = entry.partition("\n")
        yield name, " ".join(description.split())


def fault(title, description):
    """Say what is wrong with a description, or nothing."""
    words, shapes = re.findall(r"[^\W\d_][\w'-]+", SHAPE.sub("", description)), SHAPE.findall(description)
    if not words or len(words) + len(shapes) < (3 if title in ("Raises", "Warns") else 2):
        return "says too little to stand alone"
    if not re.search(r"[.:`)]$", description):
        return "is no finished sentence"
    if title not in ("Raises", "Warns", "Returns", "Yields") and not re.match(r"[^\W_]|`", description):
        return "begins with a shape or a sign: the thing first, then its shape"
    if title not in ("Raises", "Warns") and (found := NOT_A_NOUN.match(description)):
        return f"begins with {found.group()!r}: a noun phrase that stands alone"
    return ""


def names_of(node):
    """Names of the arguments of a function, or of the fields of a class with those of its __init__."""
    if isinstance(node, ast.ClassDef):
        inner = [names_of(part) for part in node.body if getattr(part, "name", "") == "__init__"]
        fields = {part.target.id for part in node.body if isinstance(part, ast.AnnAssign)}
        return fields.union(*inner)
    given = node.args
    every = [*given.posonlyargs, *given.args, *given.kwonlyargs, given.vararg, given.kwarg]
    return {one.arg for one in every if one}


def faults_of(source):
    """Yield what is wrong with the fields that the docstrings of a module describe."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and (text := ast.get_docstring(node)):
            for title, section in sections(text).items():
                if title in ("Parameters", "Attributes"):
                    known = names_of(node)
                    named = [one.lstrip("*") for name, _ in entries(section) for one in name.split(", ")]
                    yield from (f"{node.name}: there is no {one}" for one in named if one not in known)
                if title in ("Parameters", "Attributes", "Returns", "Yields", "Raises", "Warns"):
                    for name, description in entries(section):
                        if wrong := fault(title, description):
                            yield f"{node.name}, {name}: {description!r} {wrong}"


@pytest.mark.parametrize("name", files())
def test_fields_are_noun_phrases(name):
    assert list(faults_of(files()[name])) == []


@cache
def exporting():
    """Modules with an ``__all__``."""
    return [name for name, source in files().items() if re.search(r"^__all__ = ", source, re.M)]


@pytest.mark.parametrize("name", exporting())
def test_every_exported_function_has_an_example(name):
    room = importlib.import_module(name.removesuffix(".py").removesuffix("/__init__").replace("/", "."))
    functions = [value for one in room.__all__ if inspect.isfunction(value := getattr(room, one))]
    lacking = [value.__name__ for value in functions if ">>>" not in sections(value.__doc__ or "").get("Examples", "")]
    assert lacking == []


def test_rooms_say_what_they_export():
    folders = [
        path for pattern in ("interp/*", "zoo", "zoo/*", "zoo/papers/*") for path in ROOT.glob(f"{pattern}/__init__.py")
    ]
    rooms = [path.relative_to(ROOT).as_posix() for path in folders]
    assert [name for name in rooms if name not in exporting()] == []


@pytest.mark.parametrize(
    ("title", "description", "wrong"),
    [
        ("Attributes", "Of every draw.", "noun phrase"),
        ("Attributes", "The same, sorted.", "noun phrase"),
        ("Parameters", "As in `fit`.", "noun phrase"),
        ("Parameters", "Whether it is linear.", "noun phrase"),
        ("Returns", "(N,).", "too little"),
        ("Returns", "S.", "too little"),
        ("Raises", "If not.", "too little"),
        ("Parameters", "(N,) means of the nodes.", "shape"),
        ("Parameters", "Number of draws that", "finished"),
        ("Parameters", "Number of bootstrap draws.", ""),
        ("Parameters", "Weights (N, D).", ""),
        ("Parameters", "``train`` or ``test``.", ""),
        ("Attributes", "Whether to look for downloads.", ""),
        ("Returns", "(N, K) means, ascending.", ""),
        ("Raises", "If `z` is empty.", ""),
    ],
)
def test_faults_of_descriptions_are_found(title, description, wrong):
    assert wrong in fault(title, description)
    assert bool(wrong) == bool(fault(title, description))


def test_a_field_that_is_not_there_is_found():
    source = 'def f(a):\n    """Do.\n\n    Parameters\n    ----------\n    a, b\n        Two numbers.\n    """\n'
    assert list(faults_of(source)) == ["f: there is no b"]
