import re
import signal
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from forked import forked

from interp.data import load_dataset
from interp.errors import MismatchError, UsageError
from zoo import checkpoints
from zoo.__main__ import main
from zoo.recipes import Attack, default_recipe
from zoo.training.train import TrainOptions, train

DIGITS = load_dataset("digits")
FEW = replace(
    DIGITS, splits={"train": DIGITS.train.take(np.arange(500)), "test": DIGITS.splits["test"].take(np.arange(100))}
)
SHORT = default_recipe("abs", DIGITS).but(epochs=2)


def state(path):
    return checkpoints.load(path)["state_dict"]


def assert_equal(one, other):
    assert all(torch.equal(one[key], other[key]) for key in one)


def test_a_checkpoint_says_what_it_is(tmp_path):
    (path,) = train(SHORT, [4], DIGITS, TrainOptions(tmp_path))
    content = torch.load(path, weights_only=True)
    assert path.name == "abs-digits.pt"
    assert set(content) == {
        *("format", "version", "builder", "architecture", "arguments", "state_dict", "data", "scaling"),
        *("input_shape", "activation", "output", "seed", "epoch", "epochs", "recipe", "metrics"),
    }
    assert content["input_shape"] == [64]
    assert content["seed"] == 4
    assert 0.5 < content["metrics"]["test_accuracy"] <= 1
    assert checkpoints.module_of(content)(torch.zeros(1, 64)).shape == (1, 10)


def test_members_of_a_stack_do_not_carry_the_whole_stack(tmp_path):
    paths = train(SHORT, range(8), DIGITS, TrainOptions(tmp_path))
    assert max(path.stat().st_size for path in paths) < 30_000
    assert [path.name for path in paths[:2]] == ["abs-digits-000.pt", "abs-digits-001.pt"]


@pytest.mark.parametrize(
    ("name", "changes"), [("abs", {"epochs": 20}), ("relu", {"batch": 0, "lr": 0.2, "epochs": 60})]
)
def test_a_seed_ends_at_the_same_accuracy_alone_and_among_twenty(tmp_path, name, changes):
    recipe = default_recipe(name, DIGITS).but(arguments={"inputs": 64, "hidden": 16, "classes": 10}, **changes)
    (alone,) = train(recipe, [7], DIGITS, TrainOptions(tmp_path / "alone"))
    among = train(recipe, range(20), DIGITS, TrainOptions(tmp_path / "among", block=20))[7]
    reached = [checkpoints.load(path)["metrics"]["test_accuracy"] for path in (alone, among)]
    assert reached[0] > 0.85
    assert abs(reached[0] - reached[1]) <= 0.002


class Interrupted(Exception):
    pass


def interrupt_at(epoch):
    def watch(stack, done):
        if done == epoch:
            raise Interrupted

    return watch


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("abs", {"batch": 32}),
        ("abs", {"batch": 0}),
        ("abs", {"attack": Attack(0.1)}),
        ("abs-bn", {"attack": Attack(0.1)}),
    ],
)
def test_an_interrupted_training_ends_at_the_same_weights(tmp_path, name, changes):
    recipe = default_recipe(name, DIGITS).but(epochs=3, **changes)
    whole = train(recipe, range(3), FEW, TrainOptions(tmp_path / "whole"))
    halted = TrainOptions(tmp_path / "halted", save_every=0, watch=interrupt_at(2))
    with pytest.raises(Interrupted):
        train(recipe, range(3), FEW, halted)
    resumed = train(recipe, range(3), FEW, TrainOptions(tmp_path / "halted"))
    for one, other in zip(whole, resumed, strict=True):
        assert_equal(state(one), state(other))
    assert sorted(path.suffix for path in (tmp_path / "halted").iterdir()) == [".pt"] * 3


def test_an_interrupted_training_on_a_file_continues_beside_its_checkpoint(tmp_path):
    (tmp_path / "my").mkdir()
    np.savez(tmp_path / "my" / "set[1].npz", x=DIGITS.train.inputs[:100], y=DIGITS.train.labels[:100])
    data = load_dataset(str(tmp_path / "my" / "set[1].npz"))
    recipe, out = default_recipe("abs", data).but(epochs=3), tmp_path / "out"
    with pytest.raises(Interrupted):
        train(recipe, [0], data, TrainOptions(out, save_every=0, watch=interrupt_at(2)))
    assert [path.suffix for path in out.iterdir()] == [".partial"]
    begun = []
    (path,) = train(recipe, [0], data, TrainOptions(out, watch=lambda _, done: begun.append(done)))
    assert begun == [2, 3]
    assert list(out.iterdir()) == [path]


def test_a_killed_command_continues_to_the_same_weights(tmp_path, monkeypatch):
    """Only the one that is killed needs a process of its own; plain trainings are interrupted above, within ours."""
    name, words = "relu-pgd", ["train", "relu", "--seeds", "2", "--epochs", "5", "--pgd", "0.1"]
    assert main([*words, "--out", str(tmp_path / "whole")]) == 0
    monkeypatch.setenv("ZOO_SAVE_EVERY", "0")
    process = forked(main, [*words, "--out", str(tmp_path / "killed")])
    deadline = time.monotonic() + 60
    while not list((tmp_path / "killed").glob("*.partial")) and process.is_alive():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.kill()
    process.join()
    assert process.exitcode == -signal.SIGKILL, "it was to be killed before it ended"
    monkeypatch.delenv("ZOO_SAVE_EVERY")
    assert main([*words, "--out", str(tmp_path / "killed")]) == 0
    for file in (f"{name}-digits-000.pt", f"{name}-digits-001.pt"):
        assert_equal(state(tmp_path / "whole" / file), state(tmp_path / "killed" / file))


def test_finished_networks_are_not_trained_again(tmp_path):
    (path,) = train(SHORT, [0], DIGITS, TrainOptions(tmp_path))
    before = path.stat().st_mtime_ns
    train(SHORT, [0], DIGITS, TrainOptions(tmp_path))
    assert path.stat().st_mtime_ns == before


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"epochs": 3}, "epochs 2; expected 3; delete it"),
        ({"scaling": "raw"}, "scaling x/16; expected raw"),
        ({"data": "elsewhere/digits.npz"}, "data digits; expected elsewhere/digits.npz"),
        ({"attack": Attack(0.1)}, "attack None; expected {'radius': 0.1"),
    ],
)
def test_another_training_is_not_overwritten(tmp_path, changes, message):
    train(SHORT, [0], DIGITS, TrainOptions(tmp_path))
    with pytest.raises(MismatchError, match=re.escape(f"abs-digits.pt: found {message}")):
        train(SHORT.but(**changes), [0], DIGITS, TrainOptions(tmp_path))


def test_an_attacked_training_is_not_taken_for_a_plain_one(tmp_path):
    train(SHORT.but(attack=Attack(0.1)), [0], DIGITS, TrainOptions(tmp_path))
    with pytest.raises(MismatchError, match=r"found attack \{.*\}; expected None"):
        train(SHORT, [0], DIGITS, TrainOptions(tmp_path))


def test_divergence_names_the_seed_and_keeps_the_others(tmp_path):
    def poison(stack, done):
        if done == 0:
            stack.params["output.weight"][1] = float("inf")

    with pytest.raises(UsageError, match=r"not finite for seed 1 by epoch 1; .*the 2 other networks are kept"):
        train(SHORT, range(3), DIGITS, TrainOptions(tmp_path, watch=poison))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["abs-digits-000.pt", "abs-digits-002.pt"]


def test_divergence_is_remembered_over_an_interruption(tmp_path):
    def poison_then_halt(stack, done):
        if done == 0:
            stack.params["output.weight"][1] = float("inf")
        if done == 3:
            raise Interrupted

    recipe = SHORT.but(epochs=5)
    with pytest.raises(Interrupted):
        train(recipe, range(3), DIGITS, TrainOptions(tmp_path, save_every=0, watch=poison_then_halt))
    with pytest.raises(UsageError, match=r"seed 1 by epoch 2; .*the 2 other networks are kept"):
        train(recipe, range(3), DIGITS, TrainOptions(tmp_path))


def test_a_full_disk_leaves_nothing_half_written(tmp_path, monkeypatch):
    train(SHORT, [0], DIGITS, TrainOptions(tmp_path))

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(UsageError, match=r"no space left on device.*what is finished stays"):
        train(SHORT.but(name="other"), [0], DIGITS, TrainOptions(tmp_path))
    assert [path.name for path in tmp_path.iterdir()] == ["abs-digits.pt"]


def test_a_folder_that_cannot_be_written_is_found_before_training(tmp_path):
    (tmp_path / "file").write_text("in the way")

    def never(stack, done):
        raise AssertionError("trained")

    with pytest.raises(UsageError, match=r"file/runs: found a file in the place of a folder above it"):
        train(SHORT, [0], DIGITS, TrainOptions(tmp_path / "file" / "runs", watch=never))


def test_no_gpu_is_said(tmp_path):
    if torch.cuda.is_available():
        pytest.skip("has a GPU")
    with pytest.raises(UsageError, match="--device cuda: found no CUDA device"):
        train(SHORT, [0], DIGITS, TrainOptions(tmp_path, device="cuda"))
