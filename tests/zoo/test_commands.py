from pathlib import Path

import pytest

import zoo
from zoo import checkpoints
from zoo.architectures import ARCHITECTURES
from zoo.arguments import main
from zoo.training.evaluate import metrics, reopened

PRETRAINED = sorted((Path(zoo.__file__).parent / "pretrained").glob("*.pt"))


def test_list_names_every_architecture(capsys):
    assert main(["list"]) == 0
    lines = capsys.readouterr().out.splitlines()[1:]
    assert [line.split()[0] for line in lines] == list(ARCHITECTURES)


def test_train_prints_what_it_reached(tmp_path, capsys):
    assert main(["train", "tanh", "--epochs", "1", "--hidden", "5", "--out", str(tmp_path)]) == 0
    assert "tanh-digits.pt: train" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["rellu"], "NAME: found 'rellu'; expected one of abs"),
        (["abs", "--init", "he"], "--init: found 'he'"),
        (["abs", "--data", "minst"], "did you mean mnist?"),
        (["abs", "--data", "mnist", "--data-root", "/nowhere", "--offline"], "/nowhere: found no readable MNIST"),
        (["lenet", "--hidden", "5"], "architecture lenet: found arguments"),
        (["abs", "--out", "/dev/null/folder"], "expected a folder"),
        (["abs", "--lr", "1e30", "--epochs", "2"], "a loss that is not finite for seed 0"),
    ],
)
def test_bad_input_gets_one_line(arguments, message, tmp_path, capsys):
    out = [] if "--out" in arguments else ["--out", str(tmp_path)]
    assert main(["train", "--epochs", "1", *arguments, *out]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("path", PRETRAINED, ids=lambda path: path.stem)
def test_pretrained_networks_are_as_they_say(path):
    from interp.data import load_dataset

    content = checkpoints.load(path)
    found = metrics(*reopened(path, load_dataset(content["data"])))
    assert found["test_accuracy"] == pytest.approx(content["metrics"]["test_accuracy"], abs=0.003)
    assert found["test_accuracy"] > 0.95
    assert path.stat().st_size < 200_000
