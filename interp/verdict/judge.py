"""Results in, verdict out: what they say in plain words with their numbers; no claim that a null could explain."""

from __future__ import annotations

from collections.abc import Mapping

from interp.types import ReadingProfile, Verdict
from interp.verdict.alerts import alerts
from interp.verdict.answers import answers
from interp.verdict.evidence import Evidence
from interp.verdict.findings import findings
from interp.verdict.headline import headline
from interp.verdict.layers import layer_sentence, layer_verdicts, levels_sentence, network_sentence


def judge(evidence: Evidence) -> Verdict:
    """Sum up the results of one run.

    Parameters
    ----------
    evidence
        Results of all stages, with the network and the data.

    Returns
    -------
    Verdict
        Headline, findings, alerts, what is read of each layer, and answers to what a reader asks first.

    Examples
    --------
    >>> import pandas as pd
    >>> import torch
    >>> from interp.checkpoints import load_module
    >>> from interp.types import Effects
    >>> model, data = load_module(torch.nn.Sequential(torch.nn.Linear(64, 10)), "digits")
    >>> evidence = Evidence(model, data, {}, Effects(pd.DataFrame(), pd.DataFrame(), {}, {}))
    >>> judge(evidence).headline
    'This network looks untrained: what follows describes random weights, not something learned.'
    """
    raised = alerts(evidence)
    return Verdict(headline(evidence, raised), findings(evidence), raised, evidence.layers, answers(evidence, raised))


def reading_verdict(found: Mapping[str, ReadingProfile]) -> Verdict:
    """Sum up what is read of each layer, where nothing else was looked at."""
    layers = layer_verdicts(found)
    said = (sentence(one) for one in layers for sentence in (layer_sentence, levels_sentence))
    return Verdict(network_sentence(layers), tuple(filter(None, said)), (), layers)
