"""``python -m interp STAGE``: what is in a file, or one stage of the analysis from the files before it."""

from __future__ import annotations

import argparse
import json
import os
import sys

STAGES = {
    "record": "write every node's pre-activations to activations.h5",
    "fit": "fit 1D Gaussians and mixtures to every node",
    "boundaries": "tell coherent boundaries from ad hoc ones",
    "prototypes": "average the inputs each node stands for",
    "clusters": "hold prototypes against k-means centroids",
    "intervene": "scale, clip and shift layers, and silence nodes",
    "attribute": "set Captum's node importance beside ours",
}


def parser() -> argparse.ArgumentParser:
    """Build the command line."""
    from interp.cli import arguments

    top = arguments.Parser(prog="python -m interp", description=__doc__)
    commands = top.add_subparsers(dest="command", required=True, metavar="STAGE")
    inspect = commands.add_parser("inspect", help="say what is in a file, and what was inferred of it")
    inspect.add_argument("checkpoint", help="the trained network's file")
    inspect.add_argument("--json", action="store_true", help="print one JSON object")
    arguments.add_reading(inspect)
    for name, text in STAGES.items():
        stage = commands.add_parser(name, help=text, description=text)
        stage.add_argument("checkpoint", nargs="?", help="needed by `record`; later stages find it in the folder")
        if name == "intervene":
            stage.add_argument("others", nargs="*", help="further runs of that architecture, to test over all")
        stage.add_argument("--out", required=True, help="folder that holds the stages' files")
        arguments.add_reading(stage)
        arguments.add_settings(stage)
    return top


def main() -> None:
    """Run what the command line asks for."""
    args = parser().parse_args()
    if args.command == "inspect":
        inspect(args)
    else:
        run_stage(args)


def inspect(args: argparse.Namespace) -> None:
    """Print what is in a file."""
    from interp.checkpoints import load_model
    from interp.checkpoints.inspection import inspection
    from interp.cli import arguments
    from interp.run.summaries import describe

    model, _ = load_model(args.checkpoint, args.data, arguments.load_options(args), arguments.data_options(args))
    found = inspection(model)
    print(json.dumps(found, indent=2, allow_nan=False) if args.json else describe(found))


def run_stage(args: argparse.Namespace) -> None:
    """Run one stage and print a line a layer."""
    from interp.cli import arguments
    from interp.run.pipeline import run_stage
    from interp.run.run import resume, start
    from interp.run.summaries import limited

    out = arguments.writable_folder(args.out)
    options = arguments.run_options(args)
    load, data = arguments.load_options(args), arguments.data_options(args)
    several = getattr(args, "others", [])
    if args.checkpoint is None:
        run = resume(out, options, load, args.data)
    else:
        run = start(args.checkpoint, out, args.data, load, data, options, several)
    stage = run.stage("runs" if several else args.command)
    _, *lines = stage.summarise(run_stage(run, stage))
    for line in (*lines, *limited(run.limits)):
        print(line)
    print(out / stage.file)


if __name__ == "__main__":
    # Waiting threads sleep instead of spinning: on a busy machine spinning makes torch ten times slower.
    # The runtime reads this when torch is first imported, which is after this line.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")

    from interp.cli.arguments import guarded

    sys.exit(guarded(main))
