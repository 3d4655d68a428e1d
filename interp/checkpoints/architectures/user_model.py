"""Weights loaded into a module of the user's own, with a readable diff where they do not fit."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor, nn

from interp.checkpoints.formats.contents import WRAPPERS, strip_wrappers
from interp.checkpoints.weights.effective import as_parametrized, plain_state
from interp.errors import CheckpointError, UsageError
from interp.safety import called, import_name

SHOWN = 4  # names of each kind in a diff; the rest is counted


def build_user_model(spec: str, state: Mapping[str, Tensor], path: object) -> nn.Module:
    """Call ``package.module:callable`` and load `state` into the module it returns.

    Raises
    ------
    UsageError
        If it cannot be called or returns no module.
    CheckpointError
        If names or shapes differ.
    """
    maker = import_name(spec, "--model")
    module = maker if isinstance(maker, nn.Module) else called(maker, f"--model {spec}")
    if not isinstance(module, nn.Module):
        raise UsageError(
            f"--model {spec}", found=type(module).__name__, expected="a torch.nn.Module", do="return the module"
        )
    load_into(module, state, path)
    return module.float().eval()


def load_into(
    module: nn.Module, state: Mapping[str, Tensor], path: object, *, copy: bool = True, assign: bool = False
) -> None:
    """Load a state dict into a module, whatever wrapper prefix it lacks.

    Weights stored in parts go into a module that has these parts as they are, under torch's older names or newer ones,
    and put together into any other.

    Parameters
    ----------
    module
        Module whose names and shapes the weights must have.
    state
        Weights by parameter name.
    path
        Name of the file, for error messages.
    copy
        Whether the module gets the values; without it names and shapes alone are compared.
    assign
        Whether the module gets the tensors themselves in place of copies of their values.

    Raises
    ------
    CheckpointError
        If names or shapes differ; the error lists the first of them.
    """
    expected = module.state_dict()
    plain = plain_state(state).state
    states = (state, plain, strip_wrappers(plain)[0], as_parametrized(state))
    versions = [{p + name: tensor for name, tensor in own.items()} for own in states for p in ("", *WRAPPERS)]
    best = min(versions, key=lambda version: len(set(version) ^ set(expected)))
    differences = _differences(expected, best)
    if differences:
        raise CheckpointError(
            path,
            found=differences,
            expected="the names and shapes of the module",
            do="give the class it was saved from",
        )
    if copy:
        module.load_state_dict(best, strict=False, assign=assign)


def _differences(expected: Mapping[str, Tensor], got: Mapping[str, Tensor]) -> str:
    counters = "num_batches_tracked"  # older files lack it, and nothing depends on it in eval mode
    missing = [name for name in expected if name not in got and not name.endswith(counters)]
    extra = [name for name in got if name not in expected and not name.endswith(counters)]
    other = [
        f"{name} {tuple(got[name].shape)} for {tuple(expected[name].shape)}"
        for name in expected
        if name in got and got[name].shape != expected[name].shape
    ]
    parts = (("missing", missing), ("not in the module", extra), ("of another shape", other))
    return ", ".join(f"{len(names)} {word} ({_shorten(names)})" for word, names in parts if names)


def _shorten(names: list[str]) -> str:
    return "; ".join(names[:SHOWN]) + (f"; and {len(names) - SHOWN} more" if len(names) > SHOWN else "")
