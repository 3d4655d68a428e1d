"""``python -m interp.report CKPT``: from a checkpoint to a page."""

from __future__ import annotations

import os
import sys


def main() -> None:
    """Run every stage and write the page."""
    from interp.checkpoints.architectures.named import out_name
    from interp.cli import arguments
    from interp.report.page import write_report
    from interp.run.pipeline import run_all
    from interp.run.run import start
    from interp.run.summaries import one_line

    parser = arguments.Parser(prog="python -m interp.report", description=__doc__)
    parser.add_argument("checkpoint", help="the trained network's file")
    parser.add_argument("others", nargs="*", help="further runs of that architecture, to test interventions over all")
    parser.add_argument("--out", help="folder for the report (default: report-NAME)")
    arguments.add_reading(parser)
    arguments.add_settings(parser)
    args = parser.parse_args()
    out = arguments.writable_folder(args.out or f"report-{out_name(args.checkpoint)}")
    options = arguments.run_options(args)
    load, data = arguments.load_options(args), arguments.data_options(args)
    run = start(args.checkpoint, out, args.data, load, data, options, args.others)
    print(one_line(run.model))
    results = run_all(run)
    write_report(results, out, arguments.command_line("interp.report"))
    print(results.verdict.headline)
    print(out / "report.html")


if __name__ == "__main__":
    # Waiting threads sleep instead of spinning: on a busy machine spinning makes torch ten times slower.
    # The runtime reads this when torch is first imported, which is after this line.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")

    from interp.cli.arguments import guarded

    sys.exit(guarded(main))
