"""What it takes for a layer's reading to be found: samples, width, depth, noise, separation and number of classes.

OMP_WAIT_POLICY=passive python benchmarks/power.py [--repeats 4] [--jobs 1] [--out power-results]

One thing at a time is changed of a network of one hidden layer of 48 nodes on a mixture of six Gaussians at six sigma,
read on 400 samples with noise of one standard deviation. Seeds start where no rule was fixed or measured. What is
finished is in OUT and is not done again. The last line is one JSON object: the lowest shares found at the usual
setting and at any, and the share of untrained networks called either, over all settings.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import pandas as pd
from planting.power import AXES, BASE, Setting, jobs_of, work
from planting.summary import layer_table
from scipy import stats

from zoo.finished import add_finished, read_finished


def results_of(repeats: int, file: Path, most: int | None = None) -> list[dict]:
    """Give the results of some repeats, or of the part of them that is there; those missing are made and put there."""
    known = {one["key"]: one for one in read_finished(file)}
    wanted = jobs_of(repeats)
    for job in [job for job in wanted if job.key not in known][:most]:
        known[job.key] = work(job)
        add_finished(file, known[job.key])
    return [known[job.key] for job in wanted if job.key in known]


def shares(results: list[dict]) -> pd.DataFrame:
    """Give the share of layers found, a row a setting and truth; networks that hardly decide are counted apart."""
    layers = layer_table([one for one in results if not one["weak"]])
    planted = layers[layers["truth"].isin(["distances", "intensities"])]
    found = (planted["leaning"] == planted["truth"]).groupby([planted["setting"], planted["truth"]])
    return found.agg(["sum", "size"]).rename(columns={"sum": "found", "size": "layers"})


def cell(found: int, layers: int) -> str:
    """Give a share with its exact 95 % interval (Clopper and Pearson 1934)."""
    ends = stats.binomtest(found, layers).proportion_ci()
    return f"{found} of {layers} ({ends.low:.0%} to {ends.high:.0%})"


def lines(axis: str, values: tuple[float, ...], table: pd.DataFrame, weak: pd.Series) -> list[str]:
    """Give the rows of one axis in Markdown."""
    out = []
    for value in values:
        name = str(Setting().at(axis, value))
        cells = [cell(*table.loc[name, truth]) if (name, truth) in table.index else "" for truth in TRUTHS]
        usual = " (usual)" if value == getattr(BASE, axis) else ""
        out.append(f"| {axis} {value:g}{usual} | {cells[0]} | {cells[1]} | {weak.get(name, 0)} |")
    return out


TRUTHS = ("distances", "intensities")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=4)
    parser.add_argument("--most", type=int, help="largest number of networks to make now")
    parser.add_argument("--out", type=Path, default=Path("power-results"))
    options = parser.parse_args()
    results = results_of(options.repeats, options.out / "networks.jsonl", options.most)
    table = shares(results)
    weak = pd.Series([one["setup"]["setting"] for one in results if one["weak"]], dtype=str).value_counts()
    print("| setting | layers of distances found | layers of intensities found | too weak to tell |\n|---|---|---|---|")
    print("\n".join(line for axis, values in AXES.items() for line in lines(axis, values, table, weak)))
    layers = layer_table(results)
    nothing = layers[layers["truth"] == "neither"]
    called = nothing["leaning"].isin(TRUTHS).groupby(nothing["key"]).any()
    other = layers[layers["truth"].isin(TRUTHS)]
    wrong = other["leaning"].isin(TRUTHS) & (other["leaning"] != other["truth"])
    rate = table["found"] / table["layers"]
    usual = [rate.get((str(BASE), truth), np.nan) for truth in TRUTHS]
    found = {"usual": [round(float(share), 3) for share in usual], "lowest": round(float(rate.min()), 3)}
    counts = {"wrong_side": f"{wrong.sum()} of {len(wrong)}", "false_untrained": f"{called.sum()} of {len(called)}"}
    print(json.dumps(found | counts | {"networks": len(results)}))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
