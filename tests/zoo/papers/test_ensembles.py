import torch

from zoo.papers.as_nn.ensembles import ensemble_errors, per_model


def scores_of(guesses, classes=3):
    """Logits, negated distances, that guess as listed: (M, S, C)."""
    return -(1 - torch.nn.functional.one_hot(torch.tensor(guesses), classes).float())


def test_errors_are_counted_together():
    y = torch.tensor([0, 1, 2, 0])
    scores = scores_of([[0, 1, 0, 1], [0, 2, 0, 1], [0, 1, 0, 1], [0, 1, 2, 0]])
    assert ensemble_errors(scores, y) == {
        "unique_errors": 3,  # all but the first
        "consistent_errors": 0,
        "voting_errors": 2,  # the last two, wrong in three of four
        "l2_errors": 2,
    }


def test_half_of_the_networks_is_enough_for_voting():
    assert ensemble_errors(scores_of([[0], [1]]), torch.tensor([0]))["voting_errors"] == 1


def test_each_network_alone():
    y = torch.tensor([0, 1, 2, 0])
    found = per_model(scores_of([[0, 1, 2, 0], [0, 0, 2, 0]]), y)
    assert found["error_count"].tolist() == [0, 1]
    assert found["accuracy"].tolist() == [1, 0.75]
    assert found["recall"].tolist() == [1, 2 / 3]
