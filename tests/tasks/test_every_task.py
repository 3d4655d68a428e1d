"""What every task keeps, whoever wrote it."""

import ast
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from interp.tasks import TASKS, Task
from interp.tasks.infer import infer_task
from interp.types import Dataset, Scaling, Split

ROOT = Path(__file__).parents[2]
RAW = Scaling("raw")
RNG = np.random.default_rng(0)
INPUTS = RNG.normal(size=(400, 4)).astype(np.float32)
LABELS = (INPUTS[:, :3] @ RNG.normal(size=(3, 3))).argmax(1)
SPLITS = {
    "autoencoder": (Split(INPUTS, None), 4),
    "binary": (Split(INPUTS, (INPUTS[:, 0] > 0.3).astype(np.int64)), 1),
    "classification": (Split(INPUTS, LABELS), 3),
    "multi-label": (Split(INPUTS, None, (INPUTS[:, :3] > 0.2).astype(np.uint8)), 3),
    "regression": (Split(INPUTS, None, INPUTS[:, :2].astype(np.float64) * [1, 50] + [0, 7]), 2),
}
"""Task -> samples that a network can answer, and its number of outputs."""


def perfect(task, split, outputs):
    """Outputs (S, C) that answer every row, as logits."""
    values = task.answers(split)
    if values.ndim == 2:
        return torch.from_numpy(values.astype(float) if task.measured else 20.0 * values - 10)
    return torch.from_numpy(20.0 * values[:, None] - 10 if outputs == 1 else 20.0 * np.eye(outputs)[values])


def scored(task, outputs, values):
    scores, losses = task.scorer(values, RAW)(outputs, torch.from_numpy(values), "linear")
    assert scores.shape == losses.shape == (len(outputs),)
    assert scores.dtype == (torch.bool if task.score.share else torch.float64)
    assert (scores.double() <= 1).all()
    assert (losses >= 0).all()
    return float(scores.double().mean()), float(losses.double().mean())


def test_every_task_has_samples_here():
    assert set(SPLITS) == set(TASKS)
    assert all(name == task.name for name, task in TASKS.items())


@pytest.fixture(params=TASKS)
def case(request):
    return (TASKS[request.param], *SPLITS[request.param])


def test_perfect_outputs_score_one_and_lose_nothing(case):
    task, split, outputs = case
    score, loss = scored(task, perfect(task, split, outputs), task.answers(split))
    assert score == 1
    assert loss == pytest.approx(0, abs=2e-4)  # logits of +-10 are off by exp(-10) = 4.5e-5 a class


def test_worse_outputs_score_less_and_lose_more(case):
    task, split, outputs = case
    best, values = perfect(task, split, outputs), task.answers(split)
    order = np.random.default_rng(1).permutation(len(split))
    score, loss = scored(task, best[order], values)
    assert score < 1
    assert loss > scored(task, best, values)[1]


def test_no_answer_that_ignores_the_inputs_beats_chance(case):
    """Constant outputs: each row's perfect ones in turn, and their mean."""
    task, split, outputs = case
    best, values = perfect(task, split, outputs), task.answers(split)
    constant = [*best.unique(dim=0)[:50], best.mean(0)]
    scores = [scored(task, row.expand(len(best), -1), values)[0] for row in constant]
    assert max(scores) == pytest.approx(task.chance(values), abs=1e-6)


def test_permuted_answers_score_no_more_than_chance(case):
    task, split, outputs = case
    best, values = perfect(task, split, outputs), task.answers(split)
    rng = np.random.default_rng(2)
    scores = [scored(task, best, values[rng.permutation(len(values))])[0] for _ in range(50)]
    spread = np.std(scores) / len(scores) ** 0.5
    assert np.mean(scores) < task.chance(values) + 4 * spread
    assert np.mean(scores) < 0.9


def test_a_network_agrees_with_itself_and_with_no_other(case):
    task, split, outputs = case
    made = torch.from_numpy(RNG.normal(size=(len(split), outputs)))
    own, scorer = task.own_answers(made, "linear"), task.own_scorer(made.numpy())
    assert float(scorer(made, own, "linear")[0].double().mean()) == 1
    assert float(scorer(-made, own, "linear")[0].double().mean()) < 0.5


def test_counted_tasks_answer_with_class_indices(case):
    task, split, outputs = case
    values = task.answers(split)
    assert task.counted == (values.ndim == 1)
    if task.counted:
        assert task.score.share
        assert task.own_answers(perfect(task, split, outputs), "linear").tolist() == values.tolist()


def test_stand_ins_beat_chance_and_not_perfection(case):
    task, split, _ = case
    values = task.answers(split)
    for width in (None, 64):
        found = task.stand_ins(torch.from_numpy(INPUTS - INPUTS.mean(0)), torch.from_numpy(values), width, 0)
        assert found
        assert all(name for name in found)
        assert all(task.chance(values) < score <= 1 for score in found.values())


def test_good_outputs_raise_no_doubt_and_words_exist(case):
    task, split, outputs = case
    best, values = perfect(task, split, outputs), torch.from_numpy(task.answers(split))
    assert task.doubt(best, values, "linear") == ""
    assert task.score.key.isidentifier()
    assert task.score.words
    assert task.explained
    assert task.described(0.5).count("0.5000" if task.measured else "50.00%") == 1
    assert "two" not in task.score.point


def test_the_task_is_recognised_and_its_answers_checked(case):
    task, split, outputs = case
    data = Dataset("mine", {"train": split}, None, (), (), "")
    found = infer_task(data, outputs, None)
    assert (found.value, found.confidence) == (task.name, "likely")
    task.check("mine", task.answers(split), outputs)
    with pytest.raises(Exception, match=r"found .*; expected .*; "):
        task.check("mine", np.concatenate([task.answers(split)] * 2, -1) + 5, outputs)


# --------------------------------------------------------------------------- nobody asks for a name

NAMES = {*TASKS}


def comparisons(source):
    """Lines in which something is compared with a task's name, or looked up by it."""
    for node in ast.walk(ast.parse(source)):
        parts = [node.left, *node.comparators] if isinstance(node, ast.Compare) else []
        parts += [node.pattern.value] if isinstance(node, ast.match_case) and hasattr(node.pattern, "value") else []
        parts += [*node.keys] if isinstance(node, ast.Dict) else []
        parts += [node.slice] if isinstance(node, ast.Subscript) else []
        texts = {each.value for part in parts if part for each in ast.walk(part) if isinstance(each, ast.Constant)}
        if NAMES & {text for text in texts if isinstance(text, str)}:
            yield getattr(node, "lineno", 0)


@pytest.mark.parametrize(
    "source",
    ['task == "regression"', 'task in ("binary", "x")', '{"multi-label": 1}', 'TASKS["autoencoder"]'],
)
def test_a_planted_question_is_found(source):
    assert list(comparisons(source))


def test_no_module_asks_for_a_tasks_name():
    files = [path for room in ("interp", "zoo") for path in (ROOT / room).rglob("*.py")]
    assert len(files) > 200
    asked = [
        f"{path.relative_to(ROOT)}:{line}"
        for path in files
        if path.parent != ROOT / "interp" / "tasks"
        for line in comparisons(path.read_text())
    ]
    assert asked == []


def test_a_task_is_made_of_another():
    ordinal = replace(TASKS["regression"], name="ordinal", right="near")
    assert isinstance(ordinal, Task)
    assert ordinal.described(0.5) == "R² 0.5000"
