"""Architectures by name, ``torchvision:NAME`` and ``timm:NAME``, with weights from a file or drawn at random."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from difflib import get_close_matches
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from interp.checkpoints.architectures.user_model import load_into
from interp.checkpoints.weights.tensors import tensor_bytes
from interp.errors import CheckpointError, InterpError, UsageError, first_line

PREFIXES = ("torchvision:", "timm:")

CLASSES = 1000
"""Outputs of an architecture where neither weights nor data say otherwise."""


def is_named(path: object) -> bool:
    """Whether a model is given by its architecture's name in place of a file.

    Examples
    --------
    >>> is_named("torchvision:resnet18"), is_named("resnet18.pth")
    (True, False)
    """
    return str(path).startswith(PREFIXES)


def build_named(
    spec: str,
    state: Mapping[str, Tensor] | None,
    weights: object = None,
    classes: int | None = None,
    side: int | None = None,
    channels: int = 3,
    seed: int = 0,
) -> nn.Module:
    """Build an architecture, with the weights of `state` or drawn at random.

    Parameters
    ----------
    spec
        Name of the architecture: ``torchvision:NAME`` or ``timm:NAME``.
    state
        Weights by parameter name, whose shapes also give the number of outputs; None to draw them.
    weights
        File that the weights come from, for error messages.
    classes
        Number of outputs of a network with drawn weights; None for 1,000.
    side
        Height of the images in pixels, for architectures that are built for one size; None for their own.
    channels
        Number of colour channels of the images, for timm's architectures; torchvision's take 3.
    seed
        Seed of the random number generator that weights are drawn with.

    Raises
    ------
    UsageError
        If there is no such architecture, or timm is not installed.
    CheckpointError
        If names or shapes of the weights differ from the architecture's.
    """
    make = _maker(spec)
    if state is not None:
        classes = _outputs(_made(partial(_sketch, make), {"num_classes": CLASSES}, spec), state)
    wanted: dict[str, Any] = {"num_classes": classes or CLASSES}
    if channels != 3 and spec.startswith("timm:"):
        wanted["in_chans"] = channels
    sizes = ("image_size", "img_size") if side else ()
    kept = next((key for key in sizes if _builds(make, {**wanted, key: side})), None)
    wanted |= {kept: side} if kept else {}
    if state is not None:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            module = _made(partial(_sketch, make), wanted, spec)
        load_into(module, state, weights, assign=True)  # a large file's tensors stay on the disk until they are used
        if not any(tensor.is_meta for tensor in (*module.parameters(), *module.buffers())):
            return module.float().eval().requires_grad_(False)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        module = _made(make, wanted, spec)
    if state is not None:
        load_into(module, state, weights)
    return module.float().eval().requires_grad_(False)


def named_digest(spec: str, module: nn.Module) -> str:
    """SHA-256 over an architecture's name and the values of its parameters, in hexadecimal."""
    digest = hashlib.sha256(spec.encode())
    for name, tensor in module.state_dict().items():
        digest.update(name.encode() + tensor_bytes(tensor))
    return digest.hexdigest()


def out_name(checkpoint: str) -> str:
    """Give a checkpoint's name as part of a folder's.

    Examples
    --------
    >>> out_name("runs/mine.pt"), out_name("torchvision:resnet18")
    ('mine', 'torchvision-resnet18')
    """
    return checkpoint.replace(":", "-").replace("/", "-") if is_named(checkpoint) else Path(checkpoint).stem


def _outputs(usual_module: nn.Module, state: Mapping[str, Tensor]) -> int:
    """Read the number of outputs off the tensors whose length alone differs from a module's of `CLASSES` outputs.

    Files may hold names in any order, so the last matrix need not be the last layer's.
    """
    usual = {name: tensor.shape for name, tensor in usual_module.state_dict().items()}
    sizes = {
        len(tensor)
        for name, tensor in state.items()
        if name in usual and tensor.shape != usual[name] and tensor.dim() and tensor.shape[1:] == usual[name][1:]
    }
    return sizes.pop() if len(sizes) == 1 else CLASSES


# --------------------------------------------------------------------------- libraries


def _maker(spec: str) -> Callable[..., nn.Module]:
    library, _, name = spec.partition(":")
    return _torchvision(spec, name) if library == "torchvision" else _timm(spec, name)


def _torchvision(spec: str, name: str) -> Callable[..., nn.Module]:
    from torchvision import models

    known = models.list_models(module=models)
    if name not in known:
        raise _unknown(spec, name, known, "torchvision.models.list_models")
    # these two draw their weights with scipy for minutes unless told which way
    quick = {"init_weights": True} if name in ("googlenet", "inception_v3") else {}
    return lambda **said: models.get_model(name, weights=None, **quick, **said)


def _timm(spec: str, name: str) -> Callable[..., nn.Module]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # timm's own deprecations
            import timm
    except ImportError as error:
        raise UsageError(
            spec, found="no package timm", expected="timm for its architectures", do="pip install timm"
        ) from error
    architecture = name.partition(".")[0]  # what follows a dot names pretrained weights, which are not fetched
    known = timm.list_models()
    if architecture not in known:
        raise _unknown(spec, name, known, "timm.list_models")
    return lambda **said: timm.create_model(architecture, pretrained=False, **said)


def _unknown(spec: str, name: str, known: list[str], where: str) -> InterpError:
    close = get_close_matches(name, known, n=3)
    return UsageError(
        spec,
        found=f"architecture {name!r}",
        expected=f"one of the {len(known):,} that {where}() gives",
        do=f"did you mean {' or '.join(close)}?" if close else "see that list",
    )


@contextmanager
def _quiet() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # on how weights are drawn, which a user who names them does not choose
        yield


def _builds(make: Callable[..., nn.Module], said: Mapping[str, Any]) -> bool:
    """Whether an architecture takes these settings."""
    try:
        _sketch(make, **said)
    except TypeError:
        return False
    except Exception:  # a setting it knows but cannot serve is reported when it is built
        return True
    return True


class _WithoutWeights(TorchFunctionMode):
    """Leaves weights without values: on the meta device, as all tensors, some architectures could not be built."""

    def __torch_function__(self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None) -> Any:
        said = dict(kwargs or {})
        if func is torch.empty and said.get("device") is None:
            said["device"] = "meta"
        return func(*args, **said)


def _sketch(make: Callable[..., nn.Module], **said: Any) -> nn.Module:
    """Build an architecture for its names and shapes."""
    with _WithoutWeights(), _quiet():
        return make(**said)


def _made(make: Callable[..., nn.Module], said: Mapping[str, Any], spec: str) -> nn.Module:
    try:
        with _quiet():
            return make(**said)
    except Exception as error:  # an architecture that cannot be built for such images fails in its own way
        raise CheckpointError(
            spec,
            found=f"an architecture that cannot be built with {dict(said)} ({first_line(error)})",
            expected="images of a size it takes",
            do="give such images, or build it in a function of your own and pass --model",
        ) from error


# --------------------------------------------------------------------------- recognised by its weights

FAMILIES = {
    "layer1.0.conv1.weight": ("resnet", "resnext", "wide_resnet"),
    "features.denseblock1.denselayer1.conv1.weight": ("densenet",),
    "encoder.layers.encoder_layer_0.self_attention.in_proj_weight": ("vit",),
    "features.0.0.weight": ("mobilenet", "efficientnet", "convnext", "swin"),
    "features.3.squeeze.weight": ("squeezenet",),
    "conv5.0.weight": ("shufflenet",),
    "trunk_output.block1.block1-0.f.a.0.weight": ("regnet",),
    "layers.0.layers.0.weight": ("mnasnet",),
    "layers.0.weight": ("mnasnet",),
    "inception3a.branch1.conv.weight": ("googlenet",),
    "Mixed_5b.branch1x1.conv.weight": ("inception",),
}
"""A parameter's name -> first parts of the names of the torchvision architectures that may have it."""

LEAST = 50
"""Least number of tensors of these architectures, SqueezeNet's having 52: importing torchvision takes seconds."""


def recognise(state: Mapping[str, Tensor]) -> list[str]:
    """List the torchvision architectures whose names and shapes are exactly these, but for their outputs.

    Only residual and branching architectures are looked for: a plain chain is rebuilt from its shapes.
    """
    starts = tuple(start for key, starts in FAMILIES.items() if key in state for start in starts)
    if not starts or len(state) < LEAST:
        return []
    from torchvision import models

    found = []
    for name in models.list_models(module=models):
        if name.startswith(starts):
            make = _torchvision(name, name)
            try:
                usual = _sketch(make, num_classes=CLASSES)
                if any(not name.endswith("num_batches_tracked") for name in usual.state_dict().keys() ^ state.keys()):
                    continue
                classes = _outputs(usual, state)
                load_into(_sketch(make, num_classes=classes), state, name, copy=False)
            except (CheckpointError, TypeError, RuntimeError):
                continue
            found.append(f"torchvision:{name}")
    return found
