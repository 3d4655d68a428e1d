"""Columns and texts as short base64 text that the page's script unpacks: 100,000 nodes take a few megabytes."""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from interp.report.browser.columns import Column
from interp.types import NodeLayer


def packed_columns(layers: Sequence[NodeLayer], columns: Sequence[Column], further: dict[str, Any]) -> str:
    """Pack the table of all nodes.

    The unpacked bytes are the length of a JSON header (4 bytes, little-endian), the header in UTF-8, padded to a
    multiple of 4 bytes, then each column's float32 values.

    Parameters
    ----------
    layers
        Layers of the network, in order.
    columns
        Columns, with one value a node, layer by layer.
    further
        Further entries of the header, JSON-able.
    """
    described = [
        {"key": one.key, "label": one.label, "meaning": one.meaning, "look": one.look, "words": one.words}
        for one in columns
    ]
    header = {"layers": [[layer.name, layer.nodes] for layer in layers], "columns": described, **further}
    text = json.dumps(header, ensure_ascii=True, allow_nan=False).encode("ascii")
    text += b" " * (-len(text) % 4)
    values = [np.asarray(one.values, "<f4").tobytes() for one in columns]
    return packed(b"".join([len(text).to_bytes(4, "little"), text, *values]))


def packed(content: bytes) -> str:
    """Compress bytes and write them as base64.

    Parameters
    ----------
    content
        Bytes of any kind.

    Examples
    --------
    >>> zlib.decompress(base64.b64decode(packed(b"nodes")))
    b'nodes'
    """
    return base64.b64encode(zlib.compress(content, 6)).decode("ascii")
