"""Classifiers of the transformers package, built from a config and tensors that were read elsewhere.

Only classes that the installed package itself has are used: what could name other code or other files (``auto_map``,
attention kernels from a hub, backbones, quantisers) is left out of the config or refused.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import ModuleType
from typing import Any

import torch
from torch import Tensor, nn

from interp.checkpoints.weights.companions import shorten
from interp.errors import CheckpointError, UsageError, first_line

TASKS = ("ForImageClassification", "ForSequenceClassification")
LEFT_OUT = ("auto_map", "attn_implementation", "_attn_implementation", "_name_or_path", "custom_pipelines")
COUNTS = ("layer", "layers", "blocks", "depth", "depths", "experts", "stages", "repeats")
"""Ends of the names of numbers that say how many modules there are, each with a tensor at least."""

FACTORS = ("coefficient", "multiplier", "ratio")
"""Ends of the names of numbers by which widths or numbers of modules are multiplied; a hundred is far beyond any."""

REFUSED = ("backbone", "backbone_config", "quantization_config", "timm_model_name")


def build_classifier(config: Mapping[str, Any], state: Mapping[str, Tensor], path: object) -> nn.Module:
    """Build the classifier that a config names and give it the tensors.

    Raises
    ------
    UsageError
        If transformers is not installed.
    CheckpointError
        If the config names no classifier of its own, or one that the tensors are not for.
    """
    name = _architecture(config, path)
    package = _transformers(name)
    kind: Any = _mapped(package, config.get("model_type"))
    maker: Any = getattr(package, name, None)
    if kind is None or not _is_model(maker, package):
        raise CheckpointError(
            path,
            found=f"architecture {name} of type {config.get('model_type')!r}",
            expected=f"one that transformers {package.__version__} has",
            do="install the version that saved it, or pass your own class with --model",
        )
    _check_numbers(config, state, path)
    try:
        with _quiet(package):
            said = kind.from_dict({key: value for key, value in config.items() if key not in LEFT_OUT})
            _check_plan(maker, said, state)
            network, report = maker.from_pretrained(
                None,
                config=said,
                state_dict=dict(state),
                attn_implementation="eager",
                ignore_mismatched_sizes=True,  # so that they are reported as the others are
                output_loading_info=True,
            )
    except Exception as error:  # a config of another version or of nonsense fails in its own way
        raise CheckpointError(
            path,
            found=f"{name} that does not build ({first_line(error)})",
            expected="a config and weights of one model",
            do="download the whole folder, or pass your own class with --model",
        ) from error
    _check_report(report, path)
    built: nn.Module = network.float().eval().requires_grad_(False)
    return built


def _architecture(config: Mapping[str, Any], path: object) -> str:
    names = config.get("architectures")
    name = names[0] if isinstance(names, list) and len(names) == 1 else None
    odd = next((key for key in REFUSED if config.get(key)), None)
    if not isinstance(name, str) or not name.isidentifier() or not name.endswith(TASKS) or odd:
        raise CheckpointError(
            path,
            found=f"a config with {odd}" if odd else f"architectures {names}",
            expected=f"one named ...{' or ...'.join(TASKS)}",
            do="pass your own class with --model package.module:callable",
        )
    return name


def _check_numbers(config: Mapping[str, Any], state: Mapping[str, Tensor], path: object) -> None:
    """Refuse more modules than tensors, and sizes beyond all values: building them would not end."""
    values = _values(state)
    most = dict.fromkeys(COUNTS, max(len(state), 100)) | dict.fromkeys(FACTORS, 100)
    for key, number in _numbers(config):
        if number > next((most[end] for end in most if key.endswith(end)), max(values, 1_000_000)):
            raise CheckpointError(
                path,
                found=f"{key} = {number:,} beside {len(state):,} tensors of {values:,} values"[:300],
                expected="a config of these weights",
                do="download the whole folder",
            )


def _numbers(config: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    """Yield the name and value of each whole number and each factor, those of lists and inner configs too."""
    left: list[tuple[str, Any]] = list(config.items())
    while left:
        key, value = left.pop()
        if isinstance(value, dict):
            left += value.items()
        elif isinstance(value, list):
            left += [(key, one) for one in value]
        elif isinstance(value, int) or (isinstance(value, float) and key.endswith(FACTORS)):
            yield key, value


def _check_plan(maker: Any, config: Any, state: Mapping[str, Tensor]) -> None:
    """Build the network without values first: what the file lacks would be made, however large."""
    with torch.device("meta"):
        planned, stored = _values(maker(config).state_dict()), _values(state)
    if planned > 2 * stored + 1_000_000:
        raise ValueError(f"{planned:,} values, of which the file has {stored:,}")


def _values(state: Mapping[str, Tensor]) -> int:
    return sum(tensor.numel() for tensor in state.values())


def _is_model(value: object, package: ModuleType) -> bool:
    return isinstance(value, type) and issubclass(value, package.PreTrainedModel)


def _mapped(package: ModuleType, model_type: object) -> Any:
    """Give the class of a config of this type; None for a type that the package does not have."""
    try:
        return package.CONFIG_MAPPING[model_type]
    except KeyError:
        return None


def _transformers(name: str) -> ModuleType:
    try:
        import transformers
    except ImportError as error:
        raise UsageError(
            name,
            found="a model of the transformers package",
            expected="that package, which is not installed",
            do="pip install transformers, or pass your own class with --model",
        ) from error
    module: ModuleType = transformers
    return module


def _check_report(report: Mapping[str, Any], path: object) -> None:
    missing = sorted(map(str, report["missing_keys"]))
    other = sorted(map(str, report["unexpected_keys"])) + sorted(str(key) for key in report["mismatched_keys"])
    if missing or other:
        raise CheckpointError(
            path,
            found=f"{len(missing)} tensors missing ({shorten(missing)}), {len(other)} not fitting ({shorten(other)})",
            expected="the tensors of the architecture that the config names",
            do="download the whole folder, or pass your own class with --model",
        )


@contextmanager
def _quiet(package: ModuleType) -> Iterator[None]:
    """Keep the package's progress bar and its table of loaded tensors off the terminal: what matters is checked."""
    logger = logging.getLogger("transformers")
    level, bars = logger.level, package.utils.logging.is_progress_bar_enabled()
    logger.setLevel(logging.CRITICAL)
    package.utils.logging.disable_progress_bar()
    try:
        yield
    finally:
        logger.setLevel(level)
        if bars:
            package.utils.logging.enable_progress_bar()
