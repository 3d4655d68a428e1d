import numpy as np
import torch

from zoo.papers.as_nn import experiment1 as e1
from zoo.papers.as_nn import single_nodes


def loop(weight, bias, x, target, activation, epochs):
    """Train one node with torch's own modules."""
    node = torch.nn.Linear(2, 1, dtype=weight.dtype)
    node.weight.data, node.bias.data = weight[None].clone(), bias[None].clone()
    optimiser = torch.optim.SGD(node.parameters(), lr=e1.LR, momentum=e1.MOMENTUM)
    for _ in range(epochs):
        optimiser.zero_grad()
        z = node(x)[:, 0]
        torch.nn.functional.mse_loss(z.abs() if activation == "abs" else z.relu(), target).backward()
        optimiser.step()
    return node.weight.data[0], node.bias.data[0]


def test_all_at_once_is_one_after_the_other():
    """In float64: a point nearer to a boundary than rounding is on either side of it, and is pushed either way.

    The starts go through a data point, whose z float32 leaves at about 1e-7: far above what float64 rounds to.
    """
    x, target = (values.double() for values in e1.points())
    for activation in ("abs", "relu"):
        weight, bias = (values.double() for values in e1.initial(range(4), x.float(), activation, sampled=True))
        nodes = e1.fit(weight, bias, x, target, activation, epochs=30)
        for index in range(4):
            w, b = loop(weight[index], bias[index], x, target, activation, 30)
            torch.testing.assert_close(nodes.weight[index], w, rtol=1e-9, atol=1e-9)
            torch.testing.assert_close(nodes.bias[index], b, rtol=1e-9, atol=1e-9)


def test_target_is_the_mahalanobis_distance():
    x, target = e1.points()
    offset = (x - torch.tensor(e1.MEAN)).double()
    square = (offset @ torch.linalg.inv(torch.tensor(e1.COVARIANCE).double()) * offset).sum(1)
    torch.testing.assert_close(square.sqrt().float(), target, rtol=1e-4, atol=1e-4)


def test_starts_go_through_a_data_point_and_are_alive():
    x, _ = e1.points()
    weight, bias = e1.initial(range(50), x, "relu", sampled=True)
    z = x @ weight.T + bias
    assert float(z.abs().amin(dim=0).max()) < 1e-5
    assert bool((z.amax(dim=0) > 0).all())


def test_a_start_does_not_depend_on_the_others():
    x, _ = e1.points()
    alone, among = (e1.initial(seeds, x, "abs", sampled=False) for seeds in ([7], range(10)))
    assert torch.equal(alone[0][0], among[0][7])


def test_kinds_follow_the_published_rules():
    nodes = e1.Nodes(
        torch.tensor([[1.0, 0], [1, 0], [1, 0]]),
        torch.tensor([-2.5, -1.5, -3.0]),
        torch.zeros(1, 3),
        torch.tensor([0.1, 0.1, 1.8]),
    )
    assert list(e1.kinds(nodes, "relu")) == ["coherent", "adhoc", "dead"]
    assert list(e1.kinds(nodes, "abs")) == ["coherent", "adhoc", "coherent"]


def test_cells_cover_both_tables():
    found = single_nodes.run_all(models=20, epochs=5, repetitions=2)
    cells = single_nodes.cells(found)
    assert len(cells) == 24
    assert len({cell.cell for cell in cells}) == 24
    assert np.isfinite([cell.ours for cell in cells if "count" in cell.cell]).all()
