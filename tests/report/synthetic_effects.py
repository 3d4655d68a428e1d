"""Planted effects of interventions, for the page's tests."""

from __future__ import annotations

import numpy as np
import pandas as pd

from interp.interventions import node_levels
from interp.interventions.readouts.control import CONTROL_COLUMNS
from interp.interventions.readouts.falling import falls
from interp.interventions.readouts.tolerance import COLUMNS
from interp.types import Effects, NodeLayer, RunEffects

LEVELS = {
    "scale": np.geomspace(0.01, 10, 13),
    "clip": np.array([0.01, 0.1, 0.5, 1.0, np.inf]),
    "offset": np.array([-2, -0.5, -0.1, -0.01, 0, 0.01, 0.1, 0.5, 1]),
}


def effect_row(layer: str, node: int, intervention: str, level: float, split: str, accuracy: float) -> dict:
    return {
        "layer": layer,
        "node": node,
        "intervention": intervention,
        "level": level,
        "split": split,
        "samples": 1000,
        "accuracy": accuracy,
        "low": accuracy - 0.01,
        "high": accuracy + 0.01,
        "loss": 1 - accuracy,
        "difference": accuracy - 0.9754,
        "difference_low": accuracy - 0.9754 - 0.005,
        "difference_high": accuracy - 0.9754 + 0.005,
        "p_value": 0.02,
        "q_value": 0.04,
    }


def make_effects(layers: tuple[NodeLayer, ...], splits: tuple[str, ...]) -> Effects:
    rows = []
    for layer in layers:
        for split in splits:
            for name, levels in LEVELS.items():
                none = 0.0 if name == "offset" else 1.0
                rows += [
                    effect_row(layer.name, -1, name, level, split, max(0.1, 0.9754 - abs(min(level, 1.4) - none) * 0.6))
                    for level in levels
                ]
        rows += [
            effect_row(layer.name, node, way, np.nan, splits[0], 0.9754 - 0.3 * (node % 7) / 7)
            for way in ("zero-ablation", "mean-ablation")
            for node in range(layer.nodes)
        ]
    columns = list(effect_row("", 0, "", 0.0, "", 0.0))
    table = pd.DataFrame(rows, columns=columns)
    curves = make_curves(layers)
    classes = make_classes(table)
    levels = node_levels(curves).assign(above=0.25, accuracy_above=0.99, accuracy_below=np.nan)
    return Effects(
        table,
        dict.fromkeys(splits, 0.9754),
        {"fc1:5": "dead: no range"},
        curves,
        levels,
        balance=make_balance(levels),
        control=make_control(layers),
        tolerance=make_tolerance(layers),
        classes=classes,
        falls=falls(classes),
        groups=make_groups(table),
    )


def make_classes(table: pd.DataFrame) -> pd.DataFrame:
    """Tell three classes apart; the second falls first."""
    whole = table[table["node"] < 0]
    parts = [
        whole[["layer", "intervention", "level", "split"]].assign(
            **{"class": label, "samples": 300, "low": 0.0, "high": 1.0},
            accuracy=(1 - steep * (0.9754 - whole["accuracy"])).clip(0, 1),
        )
        for label, steep in enumerate((0.5, 1.4, 1.0))
    ]
    return pd.concat(parts, ignore_index=True)


def make_balance(levels: pd.DataFrame) -> pd.DataFrame:
    known = levels[levels["equilibrium"].notna()]
    rows = [
        (row["layer"], row["node"], label, 20, 0.2 + 0.3 * label)
        for row in known.to_dict(orient="records")
        for label in range(3)
    ]
    return pd.DataFrame(rows, columns=["layer", "node", "class", "samples", "above"])


def make_groups(table: pd.DataFrame) -> pd.DataFrame:
    """Plant two groups that do what the first layer does."""
    whole = table[(table["node"] < 0) & (table["layer"] == table["layer"].iloc[0])].drop(columns=["layer", "node"])
    return pd.concat([whole.assign(group="fc1, fc2:3"), whole.assign(group="<b>$x_1$</b>" * 9)], ignore_index=True)


def make_tolerance(layers: tuple[NodeLayer, ...]) -> pd.DataFrame:
    rows = [
        {
            "layer": layer.name,
            "network": "shuffled" if shuffle >= 0 else "given",
            "shuffle": shuffle,
            "scale_low": 0.25,
            "scale_high": 10.0,
            "offset_low": -0.1,
            "offset_high": 0.05,
            "width": 0.075,
            "ratio": 10.0 if shuffle < 1 else np.inf,
            "ratio_from": 8.0 if shuffle < 0 else np.nan,
            "ratio_to": 12.0 if shuffle < 0 else np.nan,
            "scale_low_from": 0.2 if shuffle < 0 else np.nan,
            "scale_low_to": 0.3 if shuffle < 0 else np.nan,
        }
        for layer in layers
        for shuffle in (-1, 0, 1)
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def make_runs(layers: tuple[NodeLayer, ...], splits: tuple[str, ...]) -> RunEffects:
    """Plant three runs; the level that changes nothing has no test."""
    rows = [
        {"layer": layer.name, "intervention": kind, "level": level, "split": split, "run": run}
        for layer in layers
        for kind, levels in LEVELS.items()
        for level in levels
        for split in splits
        for run in range(3)
    ]
    single = pd.DataFrame(rows).assign(accuracy=0.9, difference=-0.05)
    table = single[single["run"] == 0].drop(columns="run").assign(runs=3, low=0.8, high=1.1, q_value=0.01, p_value=0.01)
    table = table.assign(difference_low=-0.1, difference_high=0.0, t=-4.5, effect_size=-2.6)
    table.loc[table["level"].isin([0, 1, np.inf]), ["t", "effect_size", "p_value", "q_value"]] = np.nan
    columns = ["run", "checkpoint", "digest", "split", "samples", "accuracy"]
    networks = [(run, f"{run}.pt", "d", split, 500, 0.95) for run in range(3) for split in splits]
    return RunEffects(table, single, pd.DataFrame(networks, columns=columns))


def make_curves(layers: tuple[NodeLayer, ...]) -> pd.DataFrame:
    rows = [
        (
            layer.name,
            node,
            kind,
            level,
            500,
            0.97 - 0.1 * (node % 5) * (level if kind == "clamp-min" else 1 - level),
            0.1,
        )
        for layer in layers
        for node in range(layer.nodes)
        for kind in ("clamp-min", "clamp-max")
        for level in np.linspace(0, 1, 11)
    ]
    return pd.DataFrame(rows, columns=["layer", "node", "intervention", "level", "samples", "accuracy", "loss"])


def make_control(layers: tuple[NodeLayer, ...]) -> pd.DataFrame:
    rows = [
        (network, shuffle, layer.name, kind, level, 500, 1 - abs(min(level, 1.4) - (kind == "scale")) * 0.1)
        for network, shuffle in (("given", -1), ("shuffled", 0))
        for layer in layers
        for kind in ("scale", "offset")
        for level in LEVELS[kind]
    ]
    return pd.DataFrame(rows, columns=list(CONTROL_COLUMNS))
