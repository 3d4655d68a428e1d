"""Programs of torch.export and TorchScript whose recurrent layers and tables of tokens are read as bare weights."""

import numpy as np
import pytest
import torch
from torch import nn

from interp.checkpoints import LoadOptions, load_model
from interp.network import outputs_on


class Sequences(nn.Module):
    """A table of tokens or none, a recurrent layer or a mean over steps, and a dense layer."""

    def __init__(self, tokens, kind):
        super().__init__()
        self.embedding = nn.Embedding(40, 8) if tokens else nn.Identity()
        self.cells = getattr(nn, kind)(8, 6, batch_first=True) if kind else None
        self.fc = nn.Linear(6 if kind else 8, 3)

    def forward(self, x):
        values = self.embedding(x)
        return self.fc(values.mean(1) if self.cells is None else self.cells(values)[0][:, -1])


def drawn(tokens, kind):
    torch.manual_seed(4)
    network = Sequences(tokens, kind).eval()
    with torch.no_grad():
        for parameter in network.parameters():  # larger, so that classes are told apart
            parameter.mul_(3)
    x = torch.randint(1, 40, (300, 7)) if tokens else torch.randn(300, 7, 8)
    return network, x


def saved(network, x, form, path):
    if form == "torchscript":
        torch.jit.trace(network, x[:2]).save(path)
    else:
        program = torch.export.export(network, (x[:2],), dynamic_shapes=({0: torch.export.Dim.DYNAMIC},))
        torch.export.save(program, path)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("form", ["torchscript", "torch-export"])
@pytest.mark.parametrize(
    ("tokens", "kind"), [(False, "LSTM"), (False, "GRU"), (False, "RNN"), (True, "LSTM"), (True, "")]
)
def test_sequences_are_read_with_their_data(form, tokens, kind, tmp_path):
    """Classes are the network's own: the reading that is right has them all."""
    network, x = drawn(tokens, kind)
    path = tmp_path / "net.pt2"
    saved(network, x, form, path)
    with torch.no_grad():
        wanted = network(x)
    data = {"x_train": x.numpy(), "y_train": wanted.argmax(1).numpy()}
    model, dataset = load_model(path, data, LoadOptions(scaling=None if tokens else "raw"))
    assert model.format == form
    assert model.inferred["architecture"].confidence != "certain"
    assert "more than is followed here" in model.inferred["architecture"].evidence
    assert f"{kind or 'dense'} 8 to" in model.inferred["architecture"].value
    found = outputs_on(model, dataset.train.inputs).numpy()
    assert np.array_equal(found.argmax(1), wanted.argmax(1).numpy())
    if model.inferred["readout"].value == ("last step" if kind else "mean over steps"):
        np.testing.assert_allclose(found, wanted, atol=1e-5)
