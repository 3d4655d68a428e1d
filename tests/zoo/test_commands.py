from pathlib import Path

import pytest

import zoo
from interp.errors import CheckpointError
from zoo import checkpoints
from zoo.__main__ import main
from zoo.architectures import ARCHITECTURES
from zoo.training import metrics, reopened

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
        (["abs", "--bogus"], "python -m zoo train: found unrecognized arguments: --bogus; expected a command line"),
        (["abs", "--epochs", "many"], "argument --epochs: 'many' is no whole number from 1"),
        (["abs", "--pgd", "nan"], "argument --pgd: 'nan' is not a positive number"),
    ],
)
def test_bad_input_gets_one_line(arguments, message, tmp_path, capsys):
    out = [] if "--out" in arguments else ["--out", str(tmp_path)]
    assert main(["train", "--epochs", "1", *arguments, *out]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("arguments", [[], ["--bogus"], ["trian"], ["train"]])
def test_no_usage_is_printed(arguments, capsys):
    assert main(arguments) == 2
    out, error = capsys.readouterr()
    assert out == ""
    assert error.startswith("error: python -m zoo")
    assert error.count("\n") == 1


def test_an_interrupt_is_one_line(monkeypatch, capsys):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("zoo.cli.commands.train", interrupted)
    assert main(["train", "abs"]) == 130
    assert capsys.readouterr().err == "interrupted; the same command goes on from here\n"


def test_an_empty_checkpoint_is_refused(tmp_path):
    (tmp_path / "empty.pt").touch()
    with pytest.raises(CheckpointError, match=r"empty\.pt: found .+; expected a zoo checkpoint"):
        checkpoints.load(tmp_path / "empty.pt")


def test_an_error_without_words_is_named(tmp_path, monkeypatch):
    def silent(*_, **__):
        raise EOFError

    monkeypatch.setattr("torch.load", silent)
    with pytest.raises(CheckpointError, match="found EOFError; expected a zoo checkpoint"):
        checkpoints.load(tmp_path / "any.pt")


@pytest.mark.parametrize("path", PRETRAINED, ids=lambda path: path.stem)
def test_pretrained_networks_are_as_they_say(path):
    from interp.data import load_dataset

    content = checkpoints.load(path)
    found = metrics(*reopened(path, load_dataset(content["data"])))
    assert found["test_accuracy"] == pytest.approx(content["metrics"]["test_accuracy"], abs=0.003)
    assert found["test_accuracy"] > 0.95
    assert path.stat().st_size < 200_000
