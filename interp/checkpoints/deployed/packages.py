"""The packages onnx and onnxruntime, which are extras."""

from __future__ import annotations

from functools import cache
from types import ModuleType
from typing import Any, NamedTuple

INSTALL = "pip install 'interp[onnx]'"
"""What to do where they are missing."""


class Packages(NamedTuple):
    """The two packages that this room needs."""

    onnx: ModuleType
    onnxruntime: ModuleType


@cache
def packages() -> Packages | None:
    """Import both packages; None where one is missing."""
    try:
        import onnx
        import onnx.helper
        import onnx.inliner
        import onnxruntime
    except ImportError:
        return None
    return Packages(onnx, onnxruntime)


def installed() -> Packages:
    """Give both packages, where a file that needs them has been read."""
    found = packages()
    assert found is not None
    return found


def session(model: bytes, threads: int = 1) -> Any:
    """Make a session of a model in memory, on the CPU, that prints nothing.

    No library of custom operators is ever registered, so that the file can name none.
    """
    found = installed()
    options = found.onnxruntime.SessionOptions()
    options.log_severity_level, options.intra_op_num_threads = 4, threads
    options.enable_cpu_mem_arena = False
    options.add_session_config_entry("session.disable_quant_qdq", "1")  # integer kernels round elsewhere than stated
    return found.onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
