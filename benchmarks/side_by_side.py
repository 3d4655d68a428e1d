"""What the training benchmarks share: timing, the table, and the JSON line."""

from __future__ import annotations

import json
import platform
import time
from collections.abc import Callable

import torch


def seconds(work: Callable[[], object], repeat: int = 1) -> float:
    """Time `work`, the best of `repeat` runs, in seconds."""
    times = []
    for _ in range(repeat):
        begin = time.perf_counter()
        work()
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        times.append(time.perf_counter() - begin)
    return min(times)


def show(name: str, unit: str, plain: float, ours: float, note: str) -> None:
    """Print the table, then one JSON line with the ratio plain / ours."""
    print(f"{name}, seconds per {unit}")
    print(f"  plain loop {plain:12.6f}\n  ours       {ours:12.6f}\n  ratio      {plain / ours:12.1f}\n  {note}")
    facts = {"benchmark": name, "unit": unit, "plain_s": plain, "ours_s": ours, "ratio": plain / ours, "note": note}
    facts["versions"] = {"python": platform.python_version(), "torch": torch.__version__}
    facts["threads"] = torch.get_num_threads()
    facts["device"] = torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu"
    print(json.dumps(facts))
