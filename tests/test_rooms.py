"""Rooms stay small: what lies at the top of the package, and how many modules a folder holds."""

from pathlib import Path

ROOT = Path(__file__).parents[1]
MOST = 14
"""Largest number of modules of a folder without sub-rooms; `interp` and `zoo` hold to it everywhere."""


def modules(folder):
    return [path for path in folder.glob("*.py") if path.name not in ("__init__.py", "__main__.py")]


def crowded(root, *, with_rooms):
    """Folders of over `MOST` modules; those with sub-rooms only if asked for."""
    folders = {path.parent for path in root.rglob("*.py")}
    return sorted(
        folder.relative_to(root).as_posix()
        for folder in folders
        if len(modules(folder)) > MOST and (with_rooms or not any(folder.glob("*/*.py")))
    )


def test_few_files_lie_at_the_top_of_the_package():
    assert {path.name for path in (ROOT / "interp").glob("*.py")} == {"__init__.py", "__main__.py", "errors.py"}
    assert (ROOT / "interp" / "api" / "__init__.py").exists()


def test_no_folder_is_crowded():
    for name in ("interp", "zoo"):
        assert crowded(ROOT / name, with_rooms=True) == []
    for name in ("benchmarks", "tests"):
        assert crowded(ROOT / name, with_rooms=False) == []


def test_a_crowded_folder_is_found(tmp_path):
    room = tmp_path / "room"
    room.mkdir()
    for number in range(MOST):
        (room / f"m{number}.py").touch()
    assert crowded(tmp_path, with_rooms=True) == []
    (room / "one_more.py").touch()
    assert crowded(tmp_path, with_rooms=False) == ["room"]
    (room / "inner").mkdir()
    (room / "inner" / "m.py").touch()
    assert crowded(tmp_path, with_rooms=False) == []
    assert crowded(tmp_path, with_rooms=True) == ["room"]
