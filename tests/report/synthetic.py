"""Results with planted values, straight from the types: no pipeline, no network."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import torch

from interp.types import (
    Attribution,
    Boundaries,
    ClusterMatch,
    Dataset,
    Effects,
    GaussianFit,
    Inference,
    LoadedModel,
    NodeLayer,
    Prototypes,
    Provenance,
    Results,
    Scaling,
    Split,
    Thresholds,
    Verdict,
)

from .synthetic_effects import make_effects

NULLS = ("random point", "permuted bias", "random direction")
PROTOTYPES = ("conditional", "component", "nearest", "strongest")
KIND_CYCLE = ("coherent", "adhoc", "coherent", "adhoc", "one-sided", "dead")


def kinds(n: int) -> np.ndarray:
    return np.array([KIND_CYCLE[i % len(KIND_CYCLE)] for i in range(n)])


def make_fit(n: int, rng: np.random.Generator, classes: int = 3, k: int = 5, bins: int = 48) -> GaussianFit:
    kind = kinds(n)
    mean = np.where(kind == "one-sided", 9.0, rng.normal(0, 1, n))
    sd = np.where(kind == "dead", 0.0, rng.uniform(0.5, 2, n))
    components = rng.integers(1, min(k, 3) + 1, n)
    used = np.arange(k) < components[:, None]
    weight = np.where(used, 1 / components[:, None], 0.0)
    component_mean = np.where(used, mean[:, None] + np.arange(k) * sd[:, None], np.nan)
    component_var = np.where(used, (sd[:, None] / 2) ** 2, np.nan)
    z = rng.normal(mean, np.maximum(sd, 1e-12), (1000, n))
    histogram = np.stack([np.histogram(z[:, i], bins)[0] for i in range(n)]) if n else np.zeros((0, bins), int)
    return GaussianFit(
        count=1000,
        mean=mean,
        var=sd**2,
        skewness=np.where(sd > 0, rng.normal(0, 1, n), np.nan),
        kurtosis=np.where(sd > 0, rng.normal(0, 1, n), np.nan),
        minimum=mean - 3 * sd,
        maximum=mean + 3 * sd,
        class_count=np.full(classes, 1000 // max(classes, 1)),
        class_mean=rng.normal(size=(classes, n)),
        class_var=np.ones((classes, n)),
        weight=weight,
        component_mean=component_mean,
        component_var=component_var,
        components=components,
        bic=rng.normal(size=(n, k)),
        ks=np.where(sd > 0, 0.05, np.nan),
        ks_mixture=np.where(sd > 0, 0.01, np.nan),
        positive_share=np.clip(rng.uniform(size=n), 0, 1),
        histogram=histogram,
    )


def make_boundaries(n: int, rng: np.random.Generator, k: int = 5) -> Boundaries:
    kind = kinds(n)
    distance = np.select(
        [kind == "coherent", kind == "adhoc", kind == "one-sided"],
        [rng.uniform(0, 0.25, n), rng.uniform(0.25, 2, n), rng.uniform(3, 6, n)],
        np.nan,
    )
    epsilons = np.linspace(0.05, 1, 20)
    share = np.clip(epsilons * 0.9, 0, 1)
    null = {name: np.clip(epsilons * (0.7 + 0.05 * i), 0, 1) for i, name in enumerate(NULLS)}
    return Boundaries(
        kind=kind,
        component=np.where(kind == "dead", -1, 0),
        distance=distance,
        distance_low=np.maximum(distance - 0.02, 0),
        distance_high=distance + 0.02,
        component_distance=np.tile(distance[:, None], (1, k)),
        p_value=np.clip(distance / 6, 0, 1),
        q_value=np.clip(distance / 3, 0, 1),
        epsilons=epsilons,
        share=share,
        share_low=np.clip(share - 0.05, 0, 1),
        share_high=np.clip(share + 0.05, 0, 1),
        null_share=null,
        null_low={name: np.clip(values - 0.06, 0, 1) for name, values in null.items()},
        null_high={name: np.clip(values + 0.06, 0, 1) for name, values in null.items()},
        share_p_value=np.full(20, 0.0123),
        thresholds=Thresholds(),
    )


def make_prototypes(n: int, d: int, network: int, samples: int, rng: np.random.Generator) -> Prototypes:
    dead = (kinds(n) == "dead")[:, None]
    layer = {kind: np.where(dead, np.nan, rng.normal(size=(n, d))) for kind in PROTOTYPES}
    return Prototypes(
        layer_input=layer,
        network_input={kind: np.where(dead, np.nan, rng.normal(size=(n, network))) for kind in PROTOTYPES},
        effective_count={kind: np.where(dead[:, 0], np.nan, 50.0) for kind in PROTOTYPES},
        exemplars={kind: rng.integers(0, samples, (n, 8)) for kind in ("nearest", "strongest")},
        input_mean=rng.normal(size=d),
        network_mean=rng.normal(size=network),
        projection=rng.normal(size=(n, d)),
        weight=rng.normal(size=(n, d)),
        principal_coordinates=rng.normal(size=(n, min(d, n, 64))),
        whitening=rng.uniform(0.5, 2, n),
    )


def make_clusters(n: int, d: int, k: int, rng: np.random.Generator, *, labels: bool = True) -> ClusterMatch:
    dead = kinds(n) == "dead"
    match = {kind: np.where(dead | (np.arange(n) >= k), -1, np.arange(n)) for kind in PROTOTYPES}
    agreement = pd.DataFrame(
        {
            "pair": ["nearest prototype vs k-means", "k-means vs labels"],
            "ari": [0.31, 0.42],
            "nmi": [0.51, np.nan],
            "null_ari": [0.0, 0.01],
            "null_nmi": [0.02, 0.03],
        }
    )
    accuracy = pd.DataFrame(
        {
            "classifier": ["the network", "nearest centroid", "k-means + linear", "nearest prototype"],
            "accuracy": [0.9754, 0.81, 0.86, np.nan],
            "low": [0.9720, 0.80, 0.85, np.nan],
            "high": [0.9783, 0.82, 0.87, np.nan],
            "agreement": [1.0, 0.82, 0.87, 0.5],
            "split": ["test"] * 4,
            "samples": [1000] * 4,
        }
    )
    return ClusterMatch(
        k=k,
        centroids=rng.normal(size=(k, d)),
        rows=1000,
        match=match,
        distance={kind: np.where(match[kind] < 0, np.nan, rng.uniform(2, 5, n)) for kind in PROTOTYPES},
        null_distance={
            kind: {"permuted prototypes": rng.normal(4, 0.1, 50), "random means": rng.normal(3.5, 0.1, 50)}
            for kind in PROTOTYPES
        },
        agreement=agreement,
        accuracy=accuracy if labels else accuracy.iloc[:0],
    )


def make_attribution(n: int, rng: np.random.Generator) -> Attribution:
    ablation = rng.exponential(size=n)
    return Attribution(
        conductance=ablation * rng.uniform(0.5, 1.5, n),
        ablation=ablation,
        captum_ablation=np.full(n, np.nan),
        rank_correlation=0.8123,
        low=0.7,
        high=0.9,
        p_value=1e-7,
        samples=512,
    )


def make_results(
    widths: tuple[int, ...] = (36, 12, 8, 3),
    *,
    image_shape: tuple[int, int, int] | None = (1, 6, 6),
    names: tuple[str, ...] | None = None,
    labels: bool = True,
    splits: tuple[str, ...] = ("train", "test"),
    kind: str = "linear",
    patch: int | None = None,
    seed: int = 0,
) -> Results:
    """Plant a chain of layers; `patch` is what a convolution's receptive field holds of the input."""
    rng = np.random.default_rng(seed)
    names = names or tuple(f"fc{i}" for i in range(1, len(widths)))
    layers = tuple(
        NodeLayer(name, kind, n, d, "relu" if i < len(widths) - 2 else "identity", name)
        for i, (name, d, n) in enumerate(zip(names, widths, widths[1:], strict=False))
    )
    inputs = int(np.prod(image_shape)) if image_shape else widths[0]
    classes = tuple(f"class {i}" for i in range(3)) if labels else ()
    network = patch or inputs
    data = Dataset(
        name="planted",
        splits={
            s: Split(rng.normal(size=(40, inputs)).astype(np.float32), rng.integers(0, 3, 40) if labels else None)
            for s in splits
        },
        image_shape=image_shape,
        classes=classes,
        features=() if image_shape else tuple(f"feature {i}" for i in range(inputs)),
        digest="d" * 64,
    )
    model = LoadedModel(
        module=torch.nn.Identity(),
        layers=layers,
        path="planted.pt",
        format="torch-zip",
        digest="m" * 64,
        scaling=Scaling("x/255", 255.0),
        input_shape=(inputs,),
        output="linear",
        inferred={
            "activation": Inference("relu", "likely", "test accuracy 97.54 % with relu, 31.20 % with abs"),
            "trained": Inference(True, "uncertain", "weights differ from the initialiser's range"),
            "input_scaling": Inference("x/255", "certain", "stated in the file"),
        },
        scores=dict.fromkeys(splits, 0.9754) if labels else {},
        skipped={"embedding": "no node layer: 1,024 parameters not covered"},
        metadata={"epoch": 5},
    )
    sizes = [(layer.name, layer.nodes, layer.inputs) for layer in layers]
    return Results(
        model=model,
        data=data,
        fits={name: make_fit(n, rng, len(classes)) for name, n, _ in sizes},
        boundaries={name: make_boundaries(n, rng) for name, n, _ in sizes},
        prototypes={name: make_prototypes(n, d, network, 40, rng) for name, n, d in sizes},
        clusters={
            name: tuple(make_clusters(n, d, k, rng, labels=labels) for k in dict.fromkeys((n, 3)) if k)
            for name, n, d in sizes
        },
        effects=make_effects(layers, splits),
        attribution={name: make_attribution(n, rng) for name, n, _ in sizes},
        verdict=Verdict(
            "3 of 12 nodes of fc1 are coherent: no more than chance.",
            ("fc1 loses 0.31 accuracy when its boundaries move by 20 %.", "1 node is dead."),
            ("Prototypes rest on 50 rows.",),
        ),
        provenance=Provenance(
            "m" * 64,
            "d" * 64,
            7,
            {"torch": "2.15.0", "interp": "0.1.0"},
            {"checkpoint": "planted.pt", "data": "planted", "preset": None},
        ),
    )


def without_results(results: Results) -> Results:
    """Drop every per-layer result, as when all stages were skipped."""
    return replace(
        results,
        fits={},
        boundaries={},
        prototypes={},
        clusters={},
        effects=Effects(results.effects.table.iloc[:0], {}, {}),
        attribution={},
    )
