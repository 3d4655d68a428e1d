"""What a reader must know first: one sentence for each thing that is so, none for what is not."""

from dataclasses import replace

import numpy as np
import pytest
from tiny_runs import mlp, unlabelled

from interp.types import Inference, Limit
from interp.verdict.alerts import ALERTS, alerts
from interp.verdict.evidence import Evidence


def evidence(dead=0.0, facts=None, **changes):
    """Give the results of a run, with `dead` nodes in each layer and nothing else to alert to."""
    found = mlp()
    facts = {"trained": Inference(True, "likely", "accuracy 90 %, by chance 10 %"), **(facts or {})}
    model = replace(found.model, inferred=facts, **changes)
    kinds = {name: (np.arange(20) < 20 * dead) for name in found.boundaries}
    boundaries = {
        name: replace(part, kind=np.where(kinds[name], "dead", "adhoc")) for name, part in found.boundaries.items()
    }
    return Evidence(model, found.data, boundaries, found.effects, found.attribution)


def test_nothing_is_said_where_there_is_nothing_to_say():
    assert alerts(evidence()) == ()


UNCERTAIN = Inference("raw", "uncertain", "two fit")
UNTRAINED = Inference(None, "uncertain", "weights as at random")
POOR = Inference("poor for its size", "likely", "60 % right")


@pytest.mark.parametrize(
    ("found", "sentence"),
    [
        (
            lambda: evidence(facts={"input_scaling": UNCERTAIN}),
            "input scaling is a guess that the data do not settle: raw (two fit)",
        ),
        (lambda: evidence(facts={"trained": UNTRAINED}), "trained: weights as at random"),
        (
            lambda: evidence(facts={"fit": POOR}),
            "the network as it was read is poor for its size: 60 % right",
        ),
        (
            lambda: replace(
                evidence(),
                data=replace(unlabelled().data, splits=dict.fromkeys(("train", "test"), unlabelled().data.train)),
            ),
            "no labels: accuracy below means agreement with the unperturbed predictions",
        ),
        (
            lambda: replace(evidence(), data=replace(mlp().data, splits={"train": mlp().data.train})),
            "no test split: everything is measured on the data that was fitted",
        ),
        (
            lambda: replace(evidence(), limits=(Limit("layers swept", 6, 1_000, "evenly", "--layers"),)),
            "looked at in part only (6 of 1,000 layers swept): see “The network” for which, and how to lift it",
        ),
        (lambda: evidence(skipped={"rnn": "GRU is no linear map"}), "not covered: rnn (GRU is no linear map)"),
        (
            lambda: evidence(layers=(replace(mlp().model.layers[0], activation="custom"),)),
            "fc1: an activation of its own making follows, so output ranges and means are those of z, and intervention"
            " levels with them",
        ),
    ],
)
def test_each_alert_says_its_sentence_alone(found, sentence):
    assert alerts(found()) == (sentence,)


def test_layers_with_many_dead_nodes_are_named():
    assert alerts(evidence(dead=0.2)) == ()
    assert alerts(evidence(dead=0.3)) == tuple(f"30% of the nodes of {name} are dead" for name in ("fc1", "fc2", "fc3"))


def test_many_layers_and_parts_are_summed_up():
    found = evidence(dead=0.3, skipped={f"norm.{i}": "LayerNorm is no linear map" for i in range(9)} | {"rnn": "a GRU"})
    deep = replace(found, boundaries={f"Block.{i}": found.boundaries["fc1"] for i in range(14)})
    names = "Block.0, Block.1, Block.2, Block.3, Block.4, Block.5 and 8 more"
    assert alerts(deep) == (
        f"more than 20% of the nodes are dead in each of 14 layers: {names}",
        "not covered: norm.0, norm.1, norm.2, norm.3, norm.4, norm.5 and 3 more (LayerNorm is no linear map);"
        " rnn (a GRU)",
    )


def test_an_alert_from_outside_the_package(tmp_path, monkeypatch):
    own = (
        "def few(found):\n    if len(found.data.train) < 1000:\n        yield f'only {len(found.data.train)} samples'\n"
    )
    (tmp_path / "a_users_alert.py").write_text(own)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setitem(ALERTS, "few samples", "a_users_alert:few")
    assert alerts(evidence()) == ("only 90 samples",)
