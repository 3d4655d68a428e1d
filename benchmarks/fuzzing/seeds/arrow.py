"""Small sound data sets of Arrow's: parquet files with images and arrays, and what the datasets library saves."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from fuzzing.seeds.base import arrays

NAMES = ["cat", "dog", "eel"]
FEATURES = {"info": {"features": {"label": {"names": NAMES, "_type": "ClassLabel"}, "image": {"_type": "Image"}}}}


def _png(pixels: np.ndarray) -> bytes:
    content = io.BytesIO()
    Image.fromarray(pixels).save(content, "PNG")
    return content.getvalue()


def _of_images(rows: int) -> Any:
    """Make a table of six-pixel images, as the datasets library writes it."""
    import pyarrow as pa

    pixels = np.random.default_rng(0).integers(0, 256, (rows, 2, 3), np.uint8)
    cells = [{"bytes": _png(one), "path": None} for one in pixels]
    table = pa.table({"image": cells, "label": [i % 3 for i in range(rows)]})
    return table.replace_schema_metadata({"huggingface": json.dumps(FEATURES)})


def _of_arrays() -> Any:
    import pyarrow as pa

    made = arrays()
    return pa.table({"x": made["x_train"].tolist(), "label": made["y_train"]})


def _image_files(folder: Path) -> str:
    """Write parquet files of two splits."""
    from pyarrow import parquet

    (folder / "file").mkdir()
    for split, rows in (("train", 12), ("test", 6)):
        parquet.write_table(_of_images(rows), folder / "file" / f"{split}-00000-of-00001.parquet")
    return "file"


def _array_file(folder: Path) -> str:
    from pyarrow import parquet

    parquet.write_table(_of_arrays(), folder / "file.parquet")
    return "file.parquet"


def _saved(folder: Path) -> str:
    """Write what ``save_to_disk`` of the datasets library writes: splits, each with its state and a stream."""
    (folder / "file").mkdir()
    (folder / "file" / "dataset_dict.json").write_text(json.dumps({"splits": ["train", "test"]}))
    for split, table in (("train", _of_images(12)), ("test", _of_images(6))):
        _save(folder / "file" / split, table)
    return "file"


def _saved_alone(folder: Path) -> str:
    _save(folder / "file", _of_arrays())
    return "file"


def _save(folder: Path, table: Any) -> None:
    import pyarrow as pa

    folder.mkdir()
    name = "data-00000-of-00001.arrow"
    with pa.OSFile(str(folder / name), "wb") as file, pa.ipc.new_stream(file, table.schema) as writer:
        writer.write_table(table)
    state = {"_data_files": [{"filename": name}], "_fingerprint": "ab", "_format_type": None, "_split": None}
    (folder / "state.json").write_text(json.dumps(state))


ARROW: dict[str, Callable[[Path], str]] = {
    "parquet of arrays": _array_file,
    "parquet files of images": _image_files,
    "saved data set": _saved,
    "saved data set of arrays": _saved_alone,
}
"""Name -> a function that writes into a folder and says what is to be opened there."""
