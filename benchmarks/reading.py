"""What the reading profile costs, for each copy and layer.

python benchmarks/reading.py [--checkpoint FILE --data mnist] [--copies 99]

Copies in one stack beside the same copies one at a time: the ratio is what the stack saves. The last line is one JSON
object: seconds of the profile with so many copies of each kind, seconds a copy and layer, and the ratio.
"""

from __future__ import annotations

import argparse
import json
import time
import warnings
from dataclasses import replace

import torch

from interp.checkpoints import load_model, load_module
from interp.verdict.reading.measure import measure
from interp.verdict.reading.networks.copies import shuffled_copies
from interp.verdict.reading.networks.subject import subject
from interp.verdict.reading.options import ReadingOptions
from interp.verdict.reading.read import drawn, read_layers


def seconds(work) -> float:
    """Time a piece of work."""
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoint")
    parser.add_argument("--data", default="digits")
    parser.add_argument("--copies", type=int, default=99)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    if options.checkpoint:
        model, data = load_model(options.checkpoint, options.data)
    else:
        torch.manual_seed(0)
        steps = [torch.nn.Linear(64, 128), torch.nn.ReLU(), torch.nn.Linear(128, 64), torch.nn.ReLU()]
        model, data = load_module(torch.nn.Sequential(*steps, torch.nn.Linear(64, 10)), options.data)
    layers = model.layers[:-1]
    asked = ReadingOptions(read_copies=options.copies)
    whole = seconds(lambda: read_layers(model, data, layers, asked.samples, asked))
    _, rows, others = drawn(data, asked.samples, 0)
    made = subject(model, layers, rows, others)
    one_by_one = replace(made.cut, most=1)
    stacked = alone = float("inf")
    for _ in range(3):  # in turns, so that what else the machine does falls on both
        stacked = min(stacked, seconds(lambda: measure(copies(made.network), made.cut, made.inputs)))
        alone = min(alone, seconds(lambda: measure(copies(made.network), one_by_one, made.inputs)))
    found = {
        "seconds": round(whole, 3),
        "seconds_a_copy_and_layer": round(whole / (2 * options.copies * len(layers)), 6),
        "copies": 2 * options.copies,
        "layers": len(layers),
        "ratio": round(alone / stacked, 2),
    }
    print(json.dumps(found))


def copies(network):
    """Give the same few shuffled copies."""
    return shuffled_copies(network, range(25))


if __name__ == "__main__":
    main()
