import numpy as np
import pytest
import torch
import torch.nn.functional as F
from scipy.special import log_softmax

from interp.tasks.predictions import NO_PREDICTION, losses, predict
from interp.tasks.scorers import score_classes

LOGITS = torch.tensor(np.random.default_rng(0).normal(size=(50, 4)))
LABELS = torch.arange(50) % 4


@pytest.mark.parametrize("form", ["linear", "log-softmax", "softmax", "distance", "negated-distance"])
def test_largest_output_is_predicted(form):
    outputs = {"log-softmax": LOGITS.log_softmax(1), "softmax": LOGITS.softmax(1)}.get(form, LOGITS)
    assert predict(outputs, form).tolist() == LOGITS.numpy().argmax(axis=1).tolist()


@pytest.mark.parametrize(
    ("form", "outputs"), [("linear", [-2.0, 0.1, 3]), ("sigmoid", [0.1, 0.51, 0.9]), ("softmax", [0.4, 0.6, 1])]
)
def test_a_single_output_scores_class_one(form, outputs):
    assert predict(torch.tensor(outputs)[:, None], form).tolist() == [0, 1, 1]


@pytest.mark.parametrize("odd", [0, 2])
def test_an_output_that_is_not_a_number_is_no_prediction(odd):
    outputs = torch.stack([LOGITS[0], LOGITS[1], torch.full((4,), torch.inf)])
    outputs[1, odd] = torch.nan
    assert predict(outputs, "linear").tolist() == [int(LOGITS[0].argmax()), NO_PREDICTION, 0]
    assert predict(torch.tensor([[torch.nan], [1.0]]), "linear").tolist() == [NO_PREDICTION, 1]
    labels = torch.tensor([int(LOGITS[0].argmax()), odd, 0])
    assert score_classes(outputs, labels, "linear")[0].tolist() == [True, False, True]


def test_losses_are_cross_entropies():
    expected = -log_softmax(LOGITS.numpy(), axis=1)[np.arange(50), LABELS]
    np.testing.assert_allclose(losses(LOGITS, LABELS, "linear"), expected, rtol=1e-10)
    np.testing.assert_allclose(losses(LOGITS.log_softmax(1), LABELS, "log-softmax"), expected, rtol=1e-10)
    np.testing.assert_allclose(losses(LOGITS.softmax(1), LABELS, "softmax"), expected, rtol=1e-10)
    np.testing.assert_allclose(losses(LOGITS, LABELS, "distance"), expected, rtol=1e-10)
    np.testing.assert_allclose(losses(LOGITS.sigmoid(), LABELS, "sigmoid"), expected, rtol=1e-6)


def test_loss_of_a_single_output_is_that_of_two_classes():
    z, labels = LOGITS[:, :1], LABELS % 2
    two = torch.cat([torch.zeros_like(z), z], dim=1)
    np.testing.assert_allclose(losses(z, labels, "linear"), F.cross_entropy(two, labels, reduction="none"))
    np.testing.assert_allclose(losses(z.sigmoid(), labels, "sigmoid"), losses(z, labels, "linear"), rtol=1e-6)


@pytest.mark.parametrize("form", ["softmax", "sigmoid"])
def test_certainty_has_a_finite_loss(form):
    certain = torch.eye(4)
    assert torch.isfinite(losses(certain, (torch.arange(4) + 1) % 4, form)).all()


def test_rows_shift_of_logits_changes_no_prediction_or_loss():
    shift = torch.randn(50, 1, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    assert (predict(LOGITS + shift, "linear") == predict(LOGITS, "linear")).all()
    np.testing.assert_allclose(losses(LOGITS + shift, LABELS, "linear"), losses(LOGITS, LABELS, "linear"), rtol=1e-10)
