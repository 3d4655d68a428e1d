"""Writes golden files of the version the program is at: python tests/store/golden.py, from the root of the repository.

Files of a version were written once, by the program as it was when that version was fixed, and are never written
anew: a reader of a later version must still give back these values. Values are formulas, so that any test can make
them without the writer. Version 2 differs in `RESULTS_2` only, version 3 in `RESULTS_3`, version 4 in
`RESULTS_4` and the recording, and so on; `interp.store.migrations` turns what was renamed since into what stands here.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from interp.analysis.mergeable.strongest import Strongest
from interp.analysis.outputs.sums import OutputSums
from interp.store import RecordingWriter
from interp.store.elements import VERSION
from interp.store.sampled.kept import Kept
from interp.types import (
    Attribution,
    Boundaries,
    ClusterMatch,
    Coherence,
    Effects,
    GaussianFit,
    NodeLayer,
    Prototypes,
    Provenance,
    RunEffects,
    Screening,
    Thresholds,
)

HERE = Path(__file__).parent
PROVENANCE = Provenance(
    model_digest="ab" * 32,
    data_digest="cd" * 32,
    seed=7,
    versions={"python": "3.11.0", "scikit-learn": "1.5"},
    settings={"checkpoint": "/tmp/x.pt", "options": {"epsilon": 0.25, "levels": [1, 2], "note": None, "on": True}},
)
LAYERS = (
    NodeLayer("features.0", "conv2d", 2, 9, "relu", "features.1"),
    NodeLayer("head", "linear", 3, 8, "identity", "head"),
)


def ramp(*shape: int, start: float = 0.0) -> np.ndarray:
    return start + np.arange(np.prod(shape), dtype=float).reshape(shape) / 8


def with_hole(values: np.ndarray) -> np.ndarray:
    values = values.copy()
    values.flat[-1] = np.nan
    return values


def fit() -> GaussianFit:
    per_node = {
        name: ramp(2, start=i)
        for i, name in enumerate(
            ("mean", "var", "skewness", "kurtosis", "minimum", "maximum", "ks", "ks_mixture", "positive_share")
        )
    }
    return GaussianFit(
        count=1000,
        class_count=np.array([600, 0, 400]),
        class_mean=with_hole(ramp(3, 2)),
        class_var=ramp(3, 2),
        weight=ramp(2, 5),
        component_mean=with_hole(ramp(2, 5)),
        component_var=ramp(2, 5),
        components=np.array([1, 3]),
        bic=ramp(2, 5, start=-3.0),
        histogram=np.arange(8).reshape(2, 4),
        **per_node,
    )


def boundaries() -> Boundaries:
    per_node = {
        name: with_hole(ramp(4, start=i))
        for i, name in enumerate(("distance", "distance_low", "distance_high", "p_value", "q_value"))
    }
    per_epsilon = {name: ramp(3, start=i) for i, name in enumerate(("share", "share_low", "share_high"))}
    return Boundaries(
        kind=np.array(["coherent", "adhoc", "one-sided", "dead"]),
        component=np.full(4, np.nan),
        component_distance=with_hole(ramp(4, 5)),
        epsilons=np.array([0.1, 0.25, 1.0]),
        null_share={"random point": ramp(3), "permuted bias": ramp(3, start=1)},
        null_low={"random point": ramp(3), "permuted bias": ramp(3, start=2)},
        null_high={"random point": ramp(3), "permuted bias": ramp(3, start=3)},
        share_p_value=np.array([1.0, 0.5, 1e-300]),
        thresholds=Thresholds(rule="mean", epsilon=1.0, one_sided=1.01),
        **per_node,
        **per_epsilon,
    )


def prototypes() -> Prototypes:
    kinds = ("conditional", "nearest")
    return Prototypes(
        layer_input={kind: with_hole(ramp(2, 3, start=i)) for i, kind in enumerate(kinds)},
        network_input={kind: ramp(2, 4, start=i).astype(np.float32) for i, kind in enumerate(kinds)},
        effective_count={kind: ramp(2) for kind in kinds},
        exemplars={"nearest": np.arange(6).reshape(2, 3)},
        input_mean=ramp(3),
        network_mean=ramp(4),
        z_mean=((ramp(3) - ramp(2, 3)) * ramp(2, 3)).sum(axis=1),  # as from version 1's projection
        weight=ramp(2, 3),
        principal_coordinates=np.empty((2, 0)),
        whitening=np.full(2, np.nan),
    )


def cluster_match(k: int) -> ClusterMatch:
    return ClusterMatch(
        k=k,
        centroids=ramp(k, 3),
        rows=500,
        match={"nearest": np.array([1, np.nan])},
        distance={"nearest": np.array([0.5, np.nan])},
        null_distance={"nearest": {"permuted prototypes": ramp(4), "random data means": ramp(4, start=1)}},
        agreement=pd.DataFrame({"pair": ["nearest prototypes / k-means"], "ari": [0.25], "nmi": [np.nan]}),
        accuracy=pd.DataFrame(columns=["classifier", "accuracy", "samples"]) if k == 3 else accuracy(),
    )


def accuracy() -> pd.DataFrame:
    return pd.DataFrame({"classifier": ["the network", "größter"], "accuracy": [0.5, 0.75], "samples": [10, 10]})


def effects() -> Effects:
    """Give what is read of version 1, which has one table with ``node`` -1, ``level`` inf and ``accuracy``."""
    whole = pd.DataFrame(
        {"layer": ["head"], "intervention": ["clip"], "level": [np.nan], "no_op": [True], "score": [0.875]}
    )
    single = pd.DataFrame({"layer": ["head"], "node": [2], "intervention": ["zero-ablation"], "score": [0.5]})
    return Effects(whole, single, {"train": 0.875}, {"head:1": "dead: it has no range"})


def effects_2() -> Effects:
    """Fill what version 2 added."""
    balance = pd.DataFrame({"layer": ["head"] * 2, "node": [0, 0], "class": [0, 2], "above": [0.25, np.nan]})
    counted = {"class": [2], "samples": [4]}
    curves = pd.DataFrame({"layer": ["head"], "level": [np.inf], **counted, "score": [0.75]})
    classes = pd.DataFrame({"layer": ["head"], "level": [np.nan], "no_op": [False], **counted, "accuracy": [0.75]})
    groups = pd.DataFrame({"group": ["head:0, features.0"], "level": [-0.5], "no_op": [False], "score": [0.5]})
    return replace(effects(), curves=curves, node_levels=balance, balance=balance, classes=classes, groups=groups)


def runs() -> RunEffects:
    level = {"level": [np.nan], "no_op": [False]}
    table = pd.DataFrame({"layer": ["head"], **level, "runs": [3], "t": [np.nan], "difference": [-0.25]})
    single = pd.DataFrame({"run": [0, 1, 2], "layer": ["head"] * 3, "score": [0.5, 0.25, 0.75]})
    networks = pd.DataFrame({"run": [0], "checkpoint": ["a.pt"], "digest": ["ab" * 32], "score": [0.875]})
    return RunEffects(table, single, networks)


def effects_4() -> Effects:
    """Tell whole layers from single nodes, and mark what changes nothing."""
    whole = pd.DataFrame(
        {
            "layer": ["head", "head"],
            "intervention": ["clip", "scale"],
            "level": [np.nan, 0.5],
            "no_op": [True, False],
            "split": ["train", "train"],
            "score": [0.875, -3.5],
        }
    )
    single = pd.DataFrame({"layer": ["head"], "node": [2], "intervention": ["zero-ablation"], "score": [0.5]})
    control = pd.DataFrame({"network": ["given", "shuffled"], "copy": [np.nan, 0.0], "agreement": [1.0, 0.5]})
    return Effects(whole, single, {"train": 0.875}, {}, control=control, groups=whole.drop(columns="layer"))


def runs_4() -> RunEffects:
    found = runs()
    level = {"level": [np.nan], "no_op": [True]}
    table = pd.DataFrame({"layer": ["head"], "intervention": ["clip"], **level, "score": [0.5], "t": [np.nan]})
    return replace(found, table=table)


def attribution() -> Attribution:
    return Attribution(ramp(3), ramp(3, start=1), np.full(3, np.nan), 0.5, -0.25, 1.0, float("nan"), 64)


RESULTS = {
    "gaussians": (GaussianFit, {"features.0": fit()}),
    "boundaries": (Boundaries, {"features.0": boundaries(), "a/b % c": boundaries()}),
    "prototypes": (Prototypes, {"features.0": prototypes()}),
    "clusters": (ClusterMatch, {"head": (cluster_match(3), cluster_match(2))}),
    "effects": (Effects, {"all": effects()}),
    "attribution": (Attribution, {"": attribution()}),
}
"""File stem -> (class of the results, results by layer)."""

RESULTS_2 = {"effects": (Effects, {"all": effects_2()}), "runs": (RunEffects, {"all": runs()})}
"""What version 2 added."""

RESULTS_3 = {
    "gaussians": (GaussianFit, {"features.0": replace(fit(), sampled=np.array([1]))}),
    "prototypes": (Prototypes, {"features.0": replace(prototypes(), sampled=np.array([0, 3]))}),
}
"""What version 3 added."""

RESULTS_4 = {"effects": (Effects, {"all": effects_4()}), "runs": (RunEffects, {"all": runs_4()})}
"""What version 4 changed."""


def cluster_match_5(k: int) -> ClusterMatch:
    beside = {"prototype": ["nearest"], "null": ["untrained"], "distance": [1.5], "mean": [2.5], "low": [2.0]}
    return replace(cluster_match(k), untrained=pd.DataFrame({**beside, "p_value": [0.025], "repetitions": [39]}))


def fit_5() -> GaussianFit:
    names = ("crossed_weight", "crossed_mean", "crossed_var")
    return replace(fit(), **{name: np.stack([ramp(2, 5, start=i), ramp(2, 5)]) for i, name in enumerate(names)})


def boundaries_5() -> Boundaries:
    curves = {name: ramp(3, start=i) for i, name in enumerate(("share", "share_low", "share_high"))}
    names = ("null_share", "null_low", "null_high", "null_p_value", "null_p_below")
    nulls = {name: {"data mean": ramp(3, start=i)} for i, name in enumerate(names)}
    return replace(
        boundaries(),
        null_p_value={"random point": ramp(3), "permuted bias": ramp(3, start=4)},
        null_p_below={"random point": ramp(3), "permuted bias": ramp(3, start=5)},
        reliability=with_hole(ramp(4)),
        by_class=Coherence(distance=with_hole(ramp(4)), **curves, **nulls),
    )


RESULTS_5 = {
    "clusters": (ClusterMatch, {"head": (cluster_match_5(3), cluster_match_5(2))}),
    "gaussians": (GaussianFit, {"features.0": fit_5()}),
    "boundaries": (Boundaries, {"features.0": boundaries_5()}),
}
"""What version 5 added."""


def effects_6() -> Effects:
    counted = {"class": [2], "samples": [4], "accuracy": [0.75], "difference": [-0.25]}
    return replace(effects_4(), node_classes=pd.DataFrame({"layer": ["head"], "node": [1], **counted}))


RESULTS_6 = {
    "effects": (Effects, {"all": effects_6()}),
    "clusters": (ClusterMatch, {"head": (cluster_match_5(3),)}),
    "boundaries": (
        Boundaries,
        {"features.0": replace(boundaries_5(), component=np.array([0, 2, 1, np.nan]), thresholds=Thresholds())},
    ),
}
"""What version 6 added and changed."""

RESULTS_7 = {
    "gaussians": (
        GaussianFit,
        {"features.0": replace(fit(), histogram=(np.arange(4000) ** 3 % 9973).reshape(2, 2000))},
    ),
    "prototypes": (
        Prototypes,
        {
            "features.0": replace(
                prototypes(), network_input={}, network_share={"nearest": ramp(2, 5).astype(np.float32)}
            )
        },
    ),
}
RESULTS_7["screening"] = (
    Screening,
    {"head": Screening(9, ramp(2), ramp(2), ramp(2), ramp(2, 3), with_hole(ramp(2, 3)))},
)
"""What version 7 added and changed: the histogram is packed."""

RESULTS_8: dict[str, tuple[type, dict]] = {}
"""Version 8 changed recordings alone."""

RESULTS_9: dict[str, tuple[type, dict]] = {}
"""Version 9 changed recordings alone."""

RESULTS_10: dict[str, tuple[type, dict]] = {}
"""Version 10 changed recordings alone."""

RESULTS_11 = {
    "strongest": (Strongest, {"head": Strongest(2, ramp(2, 3), np.array([[0, 1, 2], [5, 4, 3]]))}),
}
"""Results with an array called ``values``, which the digest covers from version 11 on."""

RESULTS_12: dict[str, tuple[type, dict]] = {}
"""Version 12 changed recordings alone."""

VALUES = {"features.0": ramp(12, 2, start=-1).astype(np.float32), "head": ramp(6, 3).astype(np.float32)}
POSITIONS = np.array([0, 5] * 6, np.int32)
LABELS, PREDICTIONS = np.array([0, 2, 1, 1, 0, 2]), np.array([0, 2, 1, 0, 0, 1])
STATISTICS = {
    "features.0": (ramp(2, 2), ramp(2), ramp(2, start=0.5)),
    "head": (ramp(2, 3), ramp(3), ramp(3, start=0.5)),
}


def write_recording(path: Path, dtype: str = "float32") -> None:
    """Write a recording of two splits, the second without labels; any type holds its values."""
    samples, positions = {"train": 6, "test": 6}, {"features.0": 2, "head": 1}
    with RecordingWriter(path, LAYERS, samples, positions, PROVENANCE, ["train"], dtype) as writer:
        for split in ("train", "test"):
            z = {"features.0": (VALUES["features.0"], POSITIONS), "head": (VALUES["head"], np.empty(0, np.int32))}
            writer.write(split, 0, PREDICTIONS, z)
            writer.summarise(split, LABELS if split == "train" else None, STATISTICS)


KEPT = np.array([1, 2, 5])
RULE = "drawn by lot"


def write_some(path: Path) -> None:
    """Write a recording of which three training samples are stored; sums over the outputs are of all six."""
    samples, positions = {"train": 6, "test": 6}, {"features.0": 2, "head": 1}
    kept = Kept({"train": KEPT}, RULE)
    rows = (2 * KEPT[:, None] + np.arange(2)).ravel()
    with RecordingWriter(path, LAYERS, samples, positions, PROVENANCE, ["train"], kept=kept) as writer:
        z = {"features.0": (VALUES["features.0"], POSITIONS), "head": (VALUES["head"], np.empty(0, np.int32))}
        some = {
            "features.0": (VALUES["features.0"][rows], POSITIONS[rows]),
            "head": (VALUES["head"][KEPT], np.empty(0, np.int32)),
        }
        outputs = {layer: OutputSums.of(values) for layer, values in VALUES.items()}
        writer.write("train", 0, PREDICTIONS, some, outputs)
        writer.write("test", 0, PREDICTIONS, z)
        found = {layer: writer.outputs("train", layer) for layer in VALUES}
        sums = {layer: (np.stack([own.low, own.high]), own.mean, own.active_share) for layer, own in found.items()}
        writer.summarise("train", LABELS, sums)
        writer.summarise("test", None, STATISTICS)


PACKED_LAYERS = (NodeLayer("head", "linear", 4, 2, "relu", "head"),)
PACKED = (np.arange(1100 * 4) ** 3 % 9973).reshape(1100, 4).astype(np.float32)


def write_packed(path: Path) -> None:
    """Write a recording whose values are packed: a block of 1,024 rows, and one of fewer."""
    with RecordingWriter(path, PACKED_LAYERS, {"train": 1100}, {"head": 1}, PROVENANCE, codec="gzip") as writer:
        writer.write("train", 0, np.zeros(1100, int), {"head": (PACKED, np.empty(0, np.int32))})
        writer.summarise("train", None, {"head": (ramp(2, 4), ramp(4), ramp(4))})


if __name__ == "__main__":
    assert VERSION == 12
    write_some(HERE / f"activations_v{VERSION}.h5")
