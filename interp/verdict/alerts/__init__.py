"""The closed list of alerts: what a reader must know before trusting what was found.

Each is one `AlertRule` in `ALERTS`; its function reads results and computes no statistic that another room has. How
often each is raised where it should be, and where it should not, is measured in `benchmarks/alerts.py`.
"""

from __future__ import annotations

from collections.abc import Mapping

from interp.safety import import_name
from interp.types import SEVERITIES, Alert
from interp.verdict.alerts import nodes, reading, samples, scope, scores, simple
from interp.verdict.alerts.rule import AlertRule, Seen
from interp.verdict.evidence import Evidence

__all__ = ["ALERTS", "AlertRule", "Seen", "alerts", "find_rule", "table"]

REMOVE = (
    "Remove the dead nodes and compare: no output on the training samples should change. Leave out their rows of the"
    " layer's weights and biases, and their columns of the next layer's weights. What a dead node gives is constant:"
    " where it is not 0, add it times its column to the next layer's biases (before a convolution that pads its inputs"
    " that is not exact at the edges). Dead is what was seen on the training samples alone, with the activation that"
    " the network was read with. From 10 % of a layer's nodes on it is a warning, below that a note."
)
"""What to do about dead nodes, many or few."""

ALERTS: dict[str, AlertRule | str] = {
    "untrained": AlertRule(
        "error",
        "every weight lies in the range of an initialisation, and the score is no better than chance",
        "Check that this is the file you meant: its weights are random, so that there is nothing to learn from it."
        " A file is like that where trained weights were not loaded before it was saved, or it was saved before"
        " training.",
        reading.untrained,
        "model",
        command="inspect {checkpoint} {options}",
    ),
    "at-chance": AlertRule(
        "error",
        "the score on training rows is less than a tenth of the way from the best constant answer to perfection",
        "Open it with the data and labels that it was trained on; if it was, state scaling and activation.",
        reading.at_chance,
        "model",
        command="report {checkpoint} {options} --scaling SCALING --activation ACTIVATION",
    ),
    "label-order": AlertRule(
        "error",
        "a network that is poor or at chance would be half way to perfection with its classes in another order",
        "Bring the labels of the data into the order in which the network was trained, or state it with --label-order.",
        scores.label_order,
        "model",
        command="report {checkpoint} {options} --label-order LABEL_ORDER",
    ),
    "memorising": AlertRule(
        "error",
        "the training score is half way to perfection or more, that of the test split at most a tenth of the way",
        "Check the labels of both splits: a network that learned noise looks like this. If they are right, train again"
        " with more samples or regularisation, and compare.",
        scores.memorising,
        "model",
        command="compare {checkpoint} RETRAINED {options}",
    ),
    "training-unknown": AlertRule(
        "warning",
        "neither weights nor score tell whether the network was trained on these data",
        "Open it with the data that it was trained on, and their labels.",
        reading.training_unknown,
        "model",
        command="report {checkpoint} --data TRAINING_DATA {reading}",
    ),
    "poor-fit": AlertRule(
        "warning",
        "random features of the network's width, or class means or least squares, do as well on training rows",
        "State the activation and scaling that it was trained with, if you know them; else train it longer.",
        reading.poor_fit,
        "model",
        command="report {checkpoint} {options} --scaling SCALING --activation ACTIVATION",
    ),
    "doubtful-fit": AlertRule(
        "warning",
        "outputs on training rows have an error that training removes: a wrong mean, or a wrong size",
        "Look up the activation and scaling in the code that trained it, and make the page again with them. If this"
        " alert stays with the right ones, the training is what is doubtful: train longer, and compare.",
        reading.doubtful_fit,
        "model",
        command="report {checkpoint} {options}",
    ),
    "train-test-gap": AlertRule(
        "warning",
        "the score falls from training to test split by more than 5 points at the near end of its 95 % interval",
        "Check the labels of both splits: wrong labels and overfitting both look like this. If they are right, go by"
        " the test score, train again with more data or more regularisation, and compare.",
        scores.train_test_gap,
        "model",
        command="compare {checkpoint} RETRAINED {options}",
    ),
    "simple-model": AlertRule(
        "warning",
        "a simple model's score on the test samples is above the network's, and the 95 % interval of the difference"
        " does not hold 0",
        "Use the simple model, or train again and compare.",
        simple.simple_model,
        "model",
        command="compare {checkpoint} RETRAINED {options}",
    ),
    "near-simple-model": AlertRule(
        "warning",
        "the 95 % interval of the network's score on the test samples less that of a simple model holds 0; of too few"
        " samples for an interval, the simple model's is half way from chance to the network's or above",
        "Score the network and the simple model on more test samples. If they stay level, the simple model does the"
        " same with less.",
        simple.near_simple_model,
        "model",
        command="report {checkpoint} --data MORE_SAMPLES {reading}",
    ),
    "never-predicted": AlertRule(
        "warning",
        "a class with 20 samples or more is never predicted, by a network that is better than chance",
        "Check the labels and the balance of the classes in training; train again, and compare.",
        scores.never_predicted,
        "model",
        command="compare {checkpoint} RETRAINED {options}",
    ),
    "shared-samples": AlertRule(
        "warning",
        "1 % or more of the test samples are in the training split too, value for value",
        "Remove them from one of the splits, and make the page again: the test score is too high.",
        samples.shared_samples,
        "model",
        command="report {checkpoint} --data WITHOUT_THEM {reading}",
    ),
    "small-sample": AlertRule(
        "warning",
        "fewer than 200 training samples, or stored or held ones, or a 95 % interval of the score that is wider than 5"
        " points either way",
        "Open it with more samples; until then trust no small difference.",
        samples.small_sample,
        "model",
        command="report {checkpoint} --data MORE_SAMPLES {reading}",
    ),
    "uncertain-reading": AlertRule(
        "warning",
        "a fact about the file that could change predictions is a guess that the data do not settle",
        "Look up what is guessed in the code that trained it, and make the page again with it.",
        reading.uncertain_reading,
        "model",
        command="report {checkpoint} {options}",
    ),
    "labels-reordered": AlertRule(
        "note",
        "the classes of the data were likely in another order than in training, and were put right",
        "Check the names of the classes; state their order with --label-order, or leave labels as they are so.",
        scores.labels_reordered,
        "model",
        command="report {checkpoint} {options} --label-order LABEL_ORDER",
    ),
    "no-labels": AlertRule(
        "note",
        "the data have no labels or targets",
        "Open it with labels, so that scores can be measured.",
        samples.no_labels,
        "model",
        command="report {checkpoint} --data WITH_LABELS {reading}",
    ),
    "no-test-split": AlertRule(
        "note",
        "the data have no test split",
        "Open it with a test split, such as x_test and y_test in an .npz.",
        samples.no_test_split,
        "model",
        command="report {checkpoint} --data WITH_TEST_SPLIT {reading}",
    ),
    "dead": AlertRule(
        "warning",
        "10 % or more of the nodes of a hidden layer are dead",
        REMOVE,
        nodes.dead,
        "nodes",
        command="compare {checkpoint} PRUNED {options}",
    ),
    "one-sided": AlertRule(
        "warning",
        "half or more of the nodes of a hidden layer with a bend at zero (ReLU, Abs) are one-sided",
        "Check the scaling of the inputs; such nodes can be folded into the next layer.",
        nodes.one_sided,
        "boundaries",
        command="report {checkpoint} {options} --scaling SCALING",
    ),
    "duplicate": AlertRule(
        "warning",
        "10 % or more of the nodes of a hidden layer repeat another: outputs correlated at 0.99 or beyond, either sign,"
        " over 200 samples or more",
        "Merge them: add their outgoing weights to their twins', and compare.",
        nodes.duplicate,
        "nodes",
        command="compare {checkpoint} MERGED {options}",
    ),
    "saturated": AlertRule(
        "warning",
        "30 % or more of the nodes of a hidden layer lie at an end of their activation's range on 90 % of the rows, of"
        " stored or held samples where those are not all",
        "Check the scaling of the inputs; smaller weights or a norm before the activation keep nodes in range.",
        nodes.saturated,
        "distributions",
        command="report {checkpoint} {options} --scaling SCALING",
    ),
    "few-dead": AlertRule(
        "note",
        "fewer than 10 % of the nodes of a hidden layer are dead, but some",
        REMOVE,
        nodes.few_dead,
        "nodes",
        command="compare {checkpoint} PRUNED {options}",
    ),
    "unknown-activation": AlertRule(
        "note",
        "a layer's activation is none that the program knows",
        "Read levels and ranges of these layers as those of z.",
        reading.unknown_activation,
        "layers",
    ),
    "limited": AlertRule(
        "note",
        "the network is large, or limits were asked for",
        "If you need what was left out, look at everything; that takes longer. “The network” says what was chosen.",
        scope.limited,
        "model",
        command="report {checkpoint} {options} --everything",
    ),
    "not-covered": AlertRule(
        "note",
        "parts with parameters are no nodes",
        "Read what follows as describing the other parts.",
        scope.not_covered,
        "model",
    ),
}
"""Name -> rule, or ``package.module:name`` of one, by what a reader must know first: of the fit, of the score beside
others, of the data, of how the file was read, and last of nodes. Alerts go by severity, and within one in this order;
what to do about them, errors first, in this order alone."""


def find_rule(rule: AlertRule | str) -> AlertRule:
    """Give a rule of the list, imported where it is named.

    Parameters
    ----------
    rule
        Rule, or ``package.module:name`` of one.

    Examples
    --------
    >>> find_rule(ALERTS["dead"]).severity
    'warning'
    """
    found: AlertRule = import_name(rule, "alert") if isinstance(rule, str) else rule
    return found


def alerts(found: Evidence, known: Mapping[str, AlertRule | str] = ALERTS) -> tuple[Alert, ...]:
    """Give all alerts that the results of a run raise, the worst first.

    Parameters
    ----------
    found
        Results of the run, of all stages or of some; an alert whose results are missing is not raised.
    known
        Name -> rule, in the order of the alerts of one severity.

    Returns
    -------
    tuple of Alert
        Alerts; none where all is well.

    Examples
    --------
    >>> import torch
    >>> from interp.checkpoints import load_module
    >>> from interp.types import Effects
    >>> model, data = load_module(torch.nn.Sequential(torch.nn.Linear(64, 10)), "digits")
    >>> [alert.name for alert in alerts(Evidence(model, data))][:1]
    ['untrained']
    """
    raised = [alert for name, rule in known.items() for alert in find_rule(rule).raised(name, found)]
    return tuple(sorted(raised, key=lambda alert: SEVERITIES.index(alert.severity)))


def table() -> str:
    """Give the list as a table in Markdown, a row an alert, as it stands in ``docs/alerts.md``.

    Examples
    --------
    >>> print(table().splitlines()[0])
    | alert | severity | raised when | what to do |
    """
    rows = [("alert", "severity", "raised when", "what to do"), ("---",) * 4]
    rules = {name: find_rule(rule) for name, rule in ALERTS.items()}
    rows += [(f"`{name}`", rule.severity, rule.when, rule.do) for name, rule in rules.items()]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)
