from pathlib import Path

import pytest

from interp.store.describe import BEGIN, END, described, description
from interp.store.elements import CLASSES, VERSION
from interp.types.annotations.fields import field_types

PAGE = Path(__file__).parents[2] / "docs" / "format.md"


def test_the_page_says_what_the_classes_say():
    """Where it does not: python -m interp.store.describe docs/format.md."""
    page = PAGE.read_text()
    assert described(page) == page


def test_the_page_says_which_versions_there_are():
    page = PAGE.read_text()
    assert f"version {VERSION} and reads 1 to {VERSION};" in page
    assert all(f"\n| {version} |" in page for version in range(1, VERSION + 1))


def test_every_field_of_every_class_is_described():
    text = description()
    for name, cls in CLASSES.items():
        part = text.split(f"### {name}\n")[1].split("###")[0]
        missing = [field for field in field_types(cls) if f"`{field}`" not in part]
        assert not missing


def test_shapes_columns_and_choices_are_written_out():
    text = description()
    assert "| `class_mean`, `class_var` | (C, N) numbers | Mean and variance of z" in text
    assert "| `layer_input`, `network_input` | name -> (M, D) numbers; name -> (M, I) numbers | " in text
    assert "| `sampled` | (M,) whole numbers, or null | " in text
    assert "| `rule` | `mixture` or `mean` | " in text
    assert "table; text: `pair`; numbers: `ari`, `nmi`, `null_ari`, `null_nmi`" in text
    assert "| `z/LAYER/output_range` | (2, N) numbers | Least and largest output" in text


def test_the_rest_of_a_page_is_kept():
    page = f"before\n{BEGIN}\nold\n{END}\nafter\n"
    assert described(page) == f"before\n{BEGIN}\n\n{description()}\n{END}\nafter\n"
    with pytest.raises(ValueError, match="no place between"):
        described("a page")
