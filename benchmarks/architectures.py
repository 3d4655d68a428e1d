"""Every torchvision classification architecture and forty of timm's, through load, record, fit, classify, intervene.

Each runs in a process of its own, with random weights, on a few random images of the smallest size that it takes.
What is done is kept beside the table, so that the command goes on where it was stopped; ``--again`` forgets it.
"""

from __future__ import annotations

import argparse
import importlib
import json
import resource
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path

import numpy as np
from copied import Ended, forked

from interp.analysis import GaussianOptions, classify_boundaries, fit_gaussians
from interp.checkpoints import LoadOptions, load_model
from interp.cli import guarded
from interp.errors import InterpError
from interp.interventions import Ranges, ablate, find_intervention, tally
from interp.recording import record_activations
from interp.run.run import versions
from interp.store import open_recording, write_text
from interp.types import Dataset, Provenance, Split

SIDES = (32, 64, 96, 128, 224, 240, 256)
TABLE = Path(__file__).parents[1] / "docs" / "architectures.md"

TIMM = (
    "beit_base_patch16_224", "bat_resnext26ts", "cait_xxs24_224", "coat_tiny", "coatnet_0_224", "convit_tiny",
    "convmixer_768_32", "convnext_tiny", "crossvit_tiny_240", "cspresnet50", "darknet53", "deit_tiny_patch16_224",
    "densenet121", "dla34", "dpn68", "edgenext_small", "efficientformer_l1", "efficientnet_b0", "efficientvit_b0",
    "eva02_tiny_patch14_224", "fastvit_t8", "focalnet_tiny_srf", "gcvit_xxtiny", "ghostnet_100", "gmlp_s16_224",
    "hardcorenas_a", "hrnet_w18_small", "levit_128", "maxvit_tiny_tf_224", "mixer_s16_224", "mobilenetv3_small_100",
    "mobilevit_s", "nf_resnet50", "poolformer_s12", "pvt_v2_b0", "regnetx_002", "repvgg_a0", "res2net50_26w_4s",
    "resmlp_12_224", "resnetv2_50", "rexnet_100", "seresnet50", "swin_tiny_patch4_window7_224", "tf_efficientnet_b0",
    "tnt_s_patch16_224", "twins_pcpvt_small", "vgg11_bn", "visformer_tiny", "vit_tiny_patch16_224",
    "xcit_nano_12_p16_224",
)  # fmt: skip


def images(side: int, count: int, seed: int = 0) -> Dataset:
    """Draw images without labels."""
    drawn = np.random.default_rng(seed).normal(size=(count, 3 * side * side)).astype(np.float32)
    return Dataset("random", {"train": Split(drawn, None)}, (3, side, side), (), (), "0" * 64)


def opened(spec: str, count: int):
    """Load an architecture with the smallest images that it takes."""
    problem = None
    for side in SIDES:
        try:
            model, data = load_model(spec, images(side, count), LoadOptions(scaling="raw"))
        except InterpError as error:
            problem = error
        else:
            return model, data, side
    raise problem


def run_one(spec: str, count: int) -> dict:
    """Run all stages on one architecture."""
    start = time.time()
    model, data, side = opened(spec, count)
    found = {"name": spec, "side": side, "layers": len(model.layers), "nodes": sum(la.nodes for la in model.layers)}
    found |= {"skipped": kinds_of(model.skipped), "parameters": sum(p.numel() for p in model.module.parameters())}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "activations.h5"
        record_activations(model, data, path, Provenance(model.digest, data.digest, 0, versions(), {}))
        with open_recording(path) as recording:
            kinds: dict[str, int] = {}
            for layer in model.layers:
                fit = fit_gaussians(recording.z[layer.name], None, GaussianOptions(components=1))
                dead = np.ptp(recording.output_range[layer.name], axis=0) <= 0
                for kind, number in classify_boundaries(fit, dead=dead).counts.items():
                    kinds[kind] = kinds.get(kind, 0) + number
            for layer in (model.layers[0], model.layers[len(model.layers) // 2], model.layers[-1]):
                ranges = Ranges(*recording.output_range[layer.name])
                edits = [find_intervention("scale")(level, ranges) for level in (1.0, 0.5)] + [ablate(0, 0.0)]
                told = tally(model, layer, edits, data.train)
                if told.hits[0] != told.baseline:
                    raise AssertionError(f"the no-op at {layer.name} changes predictions")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    return {
        **found,
        "kinds": kinds,
        "result": "pass",
        "seconds": round(time.time() - start),
        "gigabytes": round(peak, 1),
    }


def kinds_of(skipped) -> dict[str, int]:
    """Count what is not covered by kind."""
    counts: dict[str, int] = {}
    for reason in skipped.values():
        counts[reason] = counts.get(reason, 0) + 1
    return counts


def run_apart(spec: str, options) -> dict:
    """Run one architecture in a process of its own, with limits of time and memory."""
    try:
        found = forked(run_one, spec, options.inputs, seconds=options.seconds, gigabytes=options.memory)
    except Ended as error:
        words = str(error)
        return {"name": spec, "result": words if words.startswith("longer") else f"fails: {words[:200]}"}
    return found | {"limit": options.memory}


def names() -> list[str]:
    """List what the table holds."""
    from torchvision import models

    return [f"torchvision:{name}" for name in models.list_models(module=models)] + [f"timm:{name}" for name in TIMM]


def _raised(rows: list[dict], memory: float) -> str:
    """Name those that were given more memory."""
    return "".join(f", {row['limit']:g} GB for {row['name']}" for row in rows if row.get("limit", 0) > memory)


def write_table(rows: list[dict], options) -> None:
    """Write the page."""
    passed = sum(row["result"] == "pass" for row in rows)
    said = versions()
    text = [
        "# Architectures",
        "",
        f"Written by `python benchmarks/architectures.py --inputs {options.inputs}`: {passed} of the {len(rows)} tried "
        f"so far, of {len(names())} on the list, pass load, record, fit, classify (boundaries) and intervene.",
        f"Random weights, {options.inputs} random images of the smallest side that works, one Gaussian a node; the "
        "first, middle and last layer are changed, and the change of nothing must change nothing.",
        f"Limits: {options.seconds} s of processor time and {options.memory:g} GB a process"
        f"{_raised(rows, options.memory)}. torch {said['torch']}, "
        f"torchvision {version('torchvision')}, timm {version('timm')}.",
        "",
        "| architecture | side | node layers | nodes | not covered (modules) | most memory | result |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        missed = "; ".join(f"{reason} ({count})" for reason, count in row.get("skipped", {}).items()) or "-"
        facts = (row.get(key, "") for key in ("side", "layers", "nodes"))
        memory = f"{row['gigabytes']:.1f} GB" if "gigabytes" in row else ""
        cells = (row["name"], *facts, missed, memory, row["result"])
        text.append("| " + " | ".join(str(cell).replace("|", "\\|") for cell in cells) + " |")
    write_text(TABLE, "\n".join(text) + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="torchvision:NAME or timm:NAME (default: all of the table)")
    parser.add_argument("--inputs", type=int, default=4)
    parser.add_argument("--seconds", type=int, default=300, help="processor time of a process")
    parser.add_argument("--memory", type=float, default=5, help="limit a process, in GB")
    parser.add_argument("--kept", type=Path, default=Path("architectures.jsonl"), help="what was done so far")
    parser.add_argument("--again", action="store_true", help="forget what was done; with names, of these only")
    options = parser.parse_args()
    for library in ("torchvision.models", "timm"):
        importlib.import_module(library)  # once, for all processes
    kept = {}
    if options.kept.exists():
        kept = {row["name"]: row for row in map(json.loads, options.kept.read_text().splitlines())}
    todo = [name for name in options.names or names() if options.again or name not in kept]
    for name in todo:
        kept[name] = run_apart(name, options)
        print(name, kept[name]["result"], kept[name].get("seconds", ""), kept[name].get("gigabytes", ""), flush=True)
        write_text(options.kept, "".join(json.dumps(row) + "\n" for row in kept.values()))
    write_table([kept[name] for name in names() if name in kept], options)


if __name__ == "__main__":
    sys.exit(guarded(main))
