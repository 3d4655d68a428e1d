"""Weights that a file stores in parts, computed as the module would: pruning, norms of weights, parametrizations.

Only what torch itself defines is computed, in closed form. Any other parametrization is code of the user's,
which a state dict does not hold; its name is returned.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrizations

from interp.checkpoints.weights.companions import shorten, without_companions
from interp.checkpoints.weights.metrics import without_metrics
from interp.errors import CheckpointError

PARAMETRIZED = re.compile(r"^(.*\.)?parametrizations\.(\w+)\.")
Parts = Mapping[str, Tensor]
"""What is stored of one tensor: the end of each name -> its part."""


@dataclass(frozen=True)
class Effective:
    """A state dict of plain names.

    Attributes
    ----------
    state
        Parameter name -> tensor that the module computes with.
    notes
        Sentences on what was computed, one a kind.
    unknown
        Names of stored parts that no rule covers; they are left out of `state`.
    sure
        Whether the parts fit one of torch's own functions only.
    """

    state: dict[str, Tensor]
    notes: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    sure: bool = True


@dataclass
class _Found:
    """What was computed so far."""

    state: dict[str, Tensor] = field(default_factory=dict)
    kinds: dict[str, list[str]] = field(default_factory=dict)
    unknown: list[str] = field(default_factory=list)


def plain_state(state: Mapping[str, Tensor]) -> Effective:
    """Give the weights alone, under plain names: companions and metrics left out, parts put together."""
    kept, left_out = without_companions(without_metrics(state))
    effective = effective_state(kept)
    return replace(effective, notes=effective.notes + left_out)


def effective_state(state: Mapping[str, Tensor]) -> Effective:
    """Put together every tensor that is stored in parts; the others stay as they are."""
    found, groups = _Found(), _groups(state)
    owner = {part: target for target, names in groups.items() for part in names}
    for name in state:
        target = owner.get(name)
        if target is None:
            found.state[name] = state[name]
        elif target in groups:
            _compute(target, groups.pop(target), state, found)
    notes = tuple(f"{kind} ({shorten(names)})" for kind, names in found.kinds.items())
    return Effective(found.state, notes, tuple(found.unknown), ORTHOGONAL not in found.kinds)


def _groups(state: Mapping[str, Tensor]) -> dict[str, dict[str, str]]:
    """Tensor -> {name of a stored part: the end that says which part it is}."""
    groups: dict[str, dict[str, str]] = {}
    for name in state:
        if match := PARAMETRIZED.match(name):
            target = f"{match[1] or ''}{match[2]}"
            groups.setdefault(target, {})[name] = name[match.end() :]
        elif name.endswith(("_orig", "_g")):
            stem, _, end = name.rpartition("_")
            ends = ("orig", "mask", "u", "v") if end == "orig" else ("g", "v")
            names = {f"{stem}_{one}": one for one in ends if f"{stem}_{one}" in state}
            if len(names) > 1:
                groups[stem] = names | ({stem: "stored"} if stem in state else {})
    return groups


def _at_least_single(tensor: Tensor) -> Tensor:
    return tensor if tensor.dtype == torch.float64 else tensor.float()


def _compute(target: str, names: Mapping[str, str], state: Mapping[str, Tensor], found: _Found) -> None:
    parts = {end: _at_least_single(state[name]) for name, end in names.items()}
    rule = RULES.get(frozenset(parts) - {"stored"})
    result = rule[1](parts) if rule is not None else None
    if rule is not None and result is not None:
        found.state[target] = result
        found.kinds.setdefault(rule[0], []).append(target)
    elif any(PARAMETRIZED.match(name) for name in names):
        found.unknown.append(target)
    else:  # names that end like this by chance, such as a gate's w_g beside w_v
        found.state |= {name: state[name] for name in names}


def as_parametrized(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Name the parts of a weight norm as torch does since 2.0, whose modules take the older names too.

    Parameters
    ----------
    state
        Weights by parameter name, such as ``linear.weight_g`` beside ``linear.weight_v``.

    Examples
    --------
    >>> list(as_parametrized({"linear.weight_g": torch.ones(2, 1), "linear.weight_v": torch.ones(2, 3)}))
    ['linear.parametrizations.weight.original0', 'linear.parametrizations.weight.original1']
    """
    named = {name: name for name in state}
    for target, parts in _groups(state).items():
        if set(parts.values()) == {"g", "v"}:
            parent, dot, leaf = target.rpartition(".")
            start = f"{parent}{dot}parametrizations.{leaf}.original"
            named |= {name: f"{start}{'gv'.index(end)}" for name, end in parts.items()}
    return {named[name]: tensor for name, tensor in state.items()}


def unknown_parametrization(names: Sequence[str], path: object) -> CheckpointError:
    """Build the error for weights that only the user's code can compute."""
    return CheckpointError(
        path,
        found=f"{names[0]} stored under a parametrization that is not one of torch's own",
        expected="weight norm, spectral norm, orthogonal weights or pruning",
        do="call torch.nn.utils.parametrize.remove_parametrizations before saving, or pass your own class with --model",
    )


# --------------------------------------------------------------------------- rules


def _pruned(parts: Parts) -> Tensor | None:
    return parts["orig"] * parts["mask"] if parts["orig"].shape == parts["mask"].shape else None


def _weight_normed(size: str, direction: str) -> Callable[[Parts], Tensor | None]:
    """Compute g v / |v|, the norm over every axis along which g is 1 (Salimans and Kingma 2016, eq. 2)."""

    def rule(parts: Parts) -> Tensor | None:
        g, v = parts[size], parts[direction]
        kept = list(g.shape) if g.dim() else [1] * v.dim()
        axes = [axis for axis, length in enumerate(kept) if length == 1]
        fits = len(kept) == v.dim() and all(k in (1, n) for k, n in zip(kept, v.shape, strict=False))
        return v * (g / torch.linalg.vector_norm(v, dim=axes, keepdim=True)) if fits and axes else None

    return rule


def _spectral_normed(weight: str, left: str, right: str) -> Callable[[Parts], Tensor | None]:
    """Compute W / (u.Wv), as in eval mode; the axis that u belongs to comes first (Miyato et al. 2018)."""

    def rule(parts: Parts) -> Tensor | None:
        w, u, v = parts[weight], parts[left], parts[right]
        axis = next((a for a in range(w.dim()) if len(u) == w.shape[a] and len(u) * len(v) == w.numel()), None)
        return None if axis is None else w / torch.dot(u, w.movedim(axis, 0).flatten(1) @ v)

    return rule


def _without_right_vector(parts: Parts) -> Tensor | None:
    """Torch before 1.0 stored u alone, beside the weight as last computed."""
    return parts.get("stored")


def _orthogonal(parts: Parts) -> Tensor | None:
    """Have torch compute its default map: a matrix exponential if square, else Householder's product."""
    stored, base = parts["original"], parts["0.base"]
    if stored.dim() != 2 or base.shape != (max(stored.shape), max(stored.shape)):
        return None
    holder = nn.Module()
    holder.register_parameter("weight", nn.Parameter(torch.eye(*stored.shape, dtype=stored.dtype)))
    parametrizations.orthogonal(holder, "weight")
    renamed = {"original": stored, "0.base": base}
    holder.load_state_dict({f"parametrizations.weight.{name}": tensor for name, tensor in renamed.items()})
    with torch.no_grad():
        return torch.as_tensor(holder.weight).detach()


ORTHOGONAL = "orthogonal weights by torch's default map, as the file does not say which map it is"
WEIGHT_NORM = "weight norm: size times direction"
SPECTRAL_NORM = "spectral norm: weight over its largest singular value, from the stored vectors"
RULES: dict[frozenset[str], tuple[str, Callable[[Parts], Tensor | None]]] = {
    frozenset({"orig", "mask"}): ("pruned: stored weight times mask", _pruned),
    frozenset({"g", "v"}): (WEIGHT_NORM, _weight_normed("g", "v")),
    frozenset({"original0", "original1"}): (WEIGHT_NORM, _weight_normed("original0", "original1")),
    frozenset({"orig", "u", "v"}): (SPECTRAL_NORM, _spectral_normed("orig", "u", "v")),
    frozenset({"orig", "u"}): ("spectral norm: weight as last computed", _without_right_vector),
    frozenset({"original", "0._u", "0._v"}): (SPECTRAL_NORM, _spectral_normed("original", "0._u", "0._v")),
    frozenset({"original", "0.base"}): (ORTHOGONAL, _orthogonal),
}
"""Ends of the stored parts -> what they mean, and the tensor they make (None where shapes do not fit)."""
