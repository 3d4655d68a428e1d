"""The batched attack against `captum.robust.PGD`, one model at a time."""

import pytest
import torch
from captum.robust import PGD
from torch.nn import functional

from interp.data import load_dataset
from interp.errors import UsageError
from zoo import checkpoints
from zoo.__main__ import main
from zoo.architectures import build
from zoo.recipes import DIGITS_LENET, Attack, Recipe, default_recipe
from zoo.training.attacks import attacked
from zoo.training.stacks import start
from zoo.training.train import TrainOptions, train

pytestmark = pytest.mark.filterwarnings("ignore:Input Tensor 0 did not already require gradients")  # Captum's own steps
DIGITS = load_dataset("digits")
ATTACK = Attack(radius=0.2, steps=4)


def recipe_for(name):
    small = DIGITS_LENET if name.startswith("lenet") else {"inputs": 64, "hidden": 12, "classes": 10}
    shape = (1, 8, 8) if name.startswith("lenet") else (64,)
    return Recipe(name, name, "digits", "x/16", shape, small)


def by_captum(recipe, state, x, y, bounds):
    network = build(recipe.architecture, **recipe.arguments)
    network.load_state_dict(state)
    network.train(recipe.architecture.endswith("bn"))  # a step's norms use the batch's statistics
    loss = lambda outputs, target: functional.cross_entropy(outputs, target, reduction="none")  # noqa: E731
    attack = PGD(network, loss, *bounds)
    return attack.perturb(x, radius=ATTACK.radius, step_size=ATTACK.step, step_num=ATTACK.steps, target=y)


@pytest.mark.parametrize("name", ["abs", "relu2-neg", "gelu", "abs-bn", "lenet-relu"])
def test_a_stack_is_attacked_as_captum_attacks_each_model(name):
    recipe = recipe_for(name)
    generator = torch.Generator().manual_seed(0)
    x = torch.rand(2, 30, *recipe.input_shape, generator=generator)
    y = torch.randint(0, 10, (2, 30), generator=generator)
    stack = start(recipe, [3, 4], x[0])
    moved = attacked(stack, x, y, ATTACK, (0.0, 1.0))
    for index in range(2):
        wanted = by_captum(recipe, stack.member(index), x[index], y[index], (0.0, 1.0))
        torch.testing.assert_close(moved[index], wanted, rtol=0, atol=1e-6)
    assert (moved - x).abs().max() <= ATTACK.radius + 1e-6
    assert (moved - x).abs().max() > 0.9 * ATTACK.radius


def test_an_attack_leaves_running_statistics_alone():
    stack = start(recipe_for("abs-bn"), [0], torch.zeros(1, 64))
    before = {name: value.clone() for name, value in stack.buffers.items()}
    attacked(stack, torch.rand(1, 20, 64), torch.zeros(1, 20, dtype=torch.long), ATTACK, (0.0, 1.0))
    assert all(torch.equal(stack.buffers[name], value) for name, value in before.items())


def test_adversarial_training_resists_the_attack(tmp_path):
    plain = default_recipe("relu", DIGITS).but(epochs=15)
    robust = plain.but(name="relu-pgd", attack=Attack(0.15))
    test = DIGITS.splits["test"]
    x, y = torch.from_numpy(test.inputs).float() / 16, torch.from_numpy(test.labels)
    right = {}
    for recipe in (plain, robust):
        (path,) = train(recipe, [0], DIGITS, TrainOptions(tmp_path))
        network = checkpoints.module_of(checkpoints.load(path))
        loss = torch.nn.CrossEntropyLoss(reduction="none")
        moved = PGD(network, loss, 0.0, 1.0).perturb(x, radius=0.15, step_size=0.03, step_num=10, target=y)
        right[recipe.name] = float((network(moved).argmax(1) == y).double().mean())
    assert right["relu-pgd"] > right["relu"] + 0.2


def test_the_command_names_what_it_trains(tmp_path, capsys):
    command = ["train", "abs", "--pgd", "0.1", "--epochs", "1", "--out", str(tmp_path)]
    assert main(command) == 0
    recipe = checkpoints.load(tmp_path / "abs-pgd-digits.pt")["recipe"]
    assert recipe["attack"] == {"radius": 0.1, "steps": 5, "reach": 1.5}
    assert main(["train", "abs", "--pgd", "0.2", *command[4:]]) == 2
    assert "abs-pgd-digits.pt: found attack" in capsys.readouterr().err


def test_full_batches_have_no_attack():
    with pytest.raises(UsageError, match=r"abs: found adversarial training in full batches; expected mini-batches"):
        recipe_for("abs").but(attack=ATTACK, batch=0)
