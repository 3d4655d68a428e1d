"""What is said of all networks together."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

CALLED = ("distances", "intensities")


def layer_table(results: Sequence[dict]) -> pd.DataFrame:
    """Give one row a layer."""
    rows = [
        {"family": one["family"], "key": one["key"], "layer": name, "depth": len(one["layers"])}
        | one["setup"]
        | {key: layer[key] for key in ("truth", "leaning", "balance", "corrected")}
        for one in results
        for name, layer in one["layers"].items()
    ]
    return pd.DataFrame(rows)


def share(flags: pd.Series) -> float | None:
    """Give a share, or None of nothing."""
    return round(float(flags.mean()), 4) if len(flags) else None


def figures(layers: pd.DataFrame) -> dict[str, float | None]:
    """Give the shares that the benchmark ends with.

    Layers are counted for what is found; a wrong side is a planted layer called the other of the two, and a network
    without anything learned counts once, whichever of its layers is called.
    """
    known = layers[layers["truth"].isin(CALLED)]
    nothing = layers[layers["truth"] == "neither"]
    return {
        "distance_found": share((known["leaning"] == "distances")[known["truth"] == "distances"]),
        "intensity_found": share((known["leaning"] == "intensities")[known["truth"] == "intensities"]),
        "wrong_side": share(known["leaning"].isin(CALLED) & (known["leaning"] != known["truth"])),
        "false_untrained": share(nothing["leaning"].isin(CALLED).groupby(nothing["key"]).any()),
    }


def by_family(layers: pd.DataFrame) -> pd.DataFrame:
    """Count the leanings of each family's layers by their truth, with the balances' quartiles."""
    counts = layers.groupby(["truth", "family"])["leaning"].value_counts().unstack(fill_value=0)
    quartiles = layers.groupby(["truth", "family"])["balance"].quantile([0.25, 0.5, 0.75]).unstack().round(2)
    return counts.join(quartiles.rename(columns={0.25: "S 25 %", 0.5: "S 50 %", 0.75: "S 75 %"}))
