"""The edge of the package: what a user gives to a public function is held against its signature before it runs."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from functools import cache, wraps
from inspect import Parameter, signature
from types import GenericAlias
from typing import Any, ParamSpec, TypeVar, get_args

from interp.errors import DataError, UsageError
from interp.types.annotations.held import ArrayMisfit, Misfit, check_value

Given = ParamSpec("Given")
Found = TypeVar("Found")

REMEDIES: Mapping[str, str] = {
    "Boundaries": "make them with interp.classify_boundaries(fit)",
    "ClusterOptions": "for example interp.ClusterOptions(repetitions=5)",
    "Dataset": "open one with interp.load_dataset(...)",
    "GaussianFit": "make one with interp.fit_gaussians(z)",
    "LabelledInputs": "make it with interp.LabelledInputs(inputs, labels, predictions)",
    "LoadedModel": "open one with interp.load_model(...)",
    "Module": "give a network in memory",
    "NodeLayer": "take one of model.layers, or model.layer(name)",
    "Provenance": "make one with interp.Provenance(model.digest, data.digest, 0, {}, {})",
    "Ranges": "make them with interp.Ranges(low, high)",
    "Results": "make them with interp.run_all(run)",
    "Run": "make one with interp.start(checkpoint, out)",
    "Split": "take one of data.splits, or make it with interp.Split(inputs, labels)",
    "Thresholds": "for example interp.Thresholds(epsilon=0.1)",
}
"""Name of a class -> where a user gets an instance."""


def checked(function: Callable[Given, Found]) -> Callable[Given, Found]:
    """Hold the arguments of a public function against its signature, ranges and shapes included, before it runs.

    What is not annotated, `Any`, and arrays without `Shape` are left to the function.

    Parameters
    ----------
    function
        Function with type hints.

    Returns
    -------
    Callable
        Function of the same arguments, which raises `UsageError`, or `DataError` where an array is wrong.

    Examples
    --------
    >>> @checked
    ... def double(count: int) -> int:
    ...     return 2 * count
    >>> double("2")
    Traceback (most recent call last):
    interp.errors.UsageError: count: found '2'; expected a whole number; change it
    """
    call = signature(function)

    @wraps(function)
    def edge(*args: Given.args, **kwargs: Given.kwargs) -> Found:
        for name, value in call.bind(*args, **kwargs).arguments.items():
            _check(name, value, _hints(function).get(name, Any))
        return function(*args, **kwargs)

    return edge


@cache
def _hints(function: Callable[..., Any]) -> Mapping[str, Any]:
    """Give the type of each parameter; what cannot be looked up, and what collects keywords, is not looked at."""
    parameters = signature(function).parameters.values()
    found = {each.name: _hint(function, each.annotation) for each in parameters if _is_looked_at(each)}
    several = {each.name for each in parameters if each.kind is Parameter.VAR_POSITIONAL}
    return {
        name: GenericAlias(tuple, (hint, ...)) if name in several and hint is not Any else hint
        for name, hint in found.items()
    }


def _is_looked_at(parameter: Parameter) -> bool:
    return parameter.annotation is not parameter.empty and parameter.kind is not Parameter.VAR_KEYWORD


def _hint(function: Callable[..., Any], annotation: Any) -> Any:
    if not isinstance(annotation, str):
        return annotation
    try:
        return eval(annotation, vars(sys.modules[function.__module__]))
    except NameError:  # imported for type checkers alone
        return Any


def _check(name: str, value: Any, expected: Any) -> None:
    try:
        check_value(name, value, expected, {})
    except Misfit as problem:
        error = DataError if isinstance(problem, ArrayMisfit) else UsageError
        remedy = _remedy(expected) if problem.where == name else "change it"
        raise error(problem.where, found=problem.found, expected=problem.expected, do=remedy) from None


def _remedy(expected: Any) -> str:
    """Say where a user gets what was expected, by the first class that tells."""
    kinds = [expected, *get_args(expected)]
    told = (REMEDIES.get(getattr(kind, "__name__", "")) or getattr(kind, "do", "") for kind in kinds)
    return next(filter(None, told), "change it")
