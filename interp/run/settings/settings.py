"""Settings, by name: flags of the command line, keywords of `interp.analyse`.

All of them follow from the option dataclasses: a field that bears a `Flag` can be set, and its help is its description
in the docstring of its class.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, dataclass, field, fields, is_dataclass
from functools import cache
from typing import Annotated, Any, get_args, get_origin

from interp.analysis import PRESETS
from interp.checkpoints import LoadOptions
from interp.data import DataOptions
from interp.errors import UsageError, unknown_name
from interp.run.settings.options import REACHES, Options
from interp.run.stage import Stage
from interp.types.annotations.fields import field_meanings, field_types
from interp.types.annotations.flags import Flag

KINDS = (tuple, bool, int, float, str)


@dataclass(frozen=True)
class Setting:
    """One setting of a run.

    Attributes
    ----------
    name
        Keyword; the flag of the command line has dashes for its underscores.
    path
        Dotted name of the field of `Options` that it sets; fields of `LoadOptions` and `DataOptions` begin with
        ``load.`` and ``data.``.
    kind
        Type of the value: bool, int, float, str, or tuple for several names.
    default
        Value where the user gives none.
    help
        Description in one sentence, for ``--help``.
    flag
        Mark on the field.
    is_repeated
        Whether the flag may be given several times, each time with several names.

    Examples
    --------
    >>> all_settings()["levels"].path
    'interventions.levels'
    """

    name: str
    path: str
    kind: type
    default: Any
    help: str
    flag: Flag = field(default_factory=Flag)
    is_repeated: bool = False

    @property
    def is_of_model(self) -> bool:
        """Whether it says something of the model or of where data are."""
        return self.path.startswith(("load.", "data."))

    def shapes(self, stage: Stage) -> bool:
        """Tell whether it shapes the results of a stage.

        Parameters
        ----------
        stage
            Stage, which names its options.
        """
        paths = (self.path, *REACHES.get(self.path, ()))
        return any(f"{path}.".startswith(f"{option}.") for path in paths for option in stage.options)

    def checked(self, value: Any, label: str) -> Any:
        """Give a value if it is allowed.

        Parameters
        ----------
        value
            Value as the user gave it.
        label
            Name of the setting in errors.

        Raises
        ------
        UsageError
            If it is of another type, or out of range.
        """
        if self.flag.read is not None:
            return self.flag.read(value, label)
        if self.is_repeated and isinstance(value, (list, tuple)):
            return tuple(cut_names(part, label) for part in value)
        if self.is_repeated:
            return (cut_names(value, label),)
        if self.kind is tuple:
            return cut_names(value, label)
        allowed = (int, float) if self.kind is float else self.kind
        if not isinstance(value, allowed) or (type(value) is bool) != (self.kind is bool):
            raise UsageError(label, found=repr(value), expected=self.kind.__name__, do="leave it out for the default")
        _check_range(value, self.flag, label)
        return value


def cut_names(value: Any, label: str) -> tuple[str, ...]:
    """Give several names, in a list or with commas between, without repeats.

    Parameters
    ----------
    value
        Text or list of texts.
    label
        Name of the setting in errors.

    Raises
    ------
    UsageError
        If they are none.

    Examples
    --------
    >>> cut_names("fc1, fc2", "--layers")
    ('fc1', 'fc2')
    """
    names = [name.strip() for name in value.split(",")] if isinstance(value, str) else value
    if not isinstance(names, (list, tuple)) or not all(isinstance(name, str) and name for name in names):
        raise UsageError(label, found=repr(value), expected="names separated by commas", do="see --help")
    return tuple(dict.fromkeys(names))


def _check_range(value: Any, flag: Flag, label: str) -> None:
    if flag.low is not None and flag.high is not None and not flag.low <= value <= flag.high:  # NaN is in no range
        expected = f"{flag.low:,} to {flag.high:,}"
        raise UsageError(label, found=str(value), expected=expected, do="leave it out for the default")


FURTHER = (
    Setting("preset", "thresholds", str, "default", f"Name of thresholds that belong together: {', '.join(PRESETS)}"),
    Setting("nodes", "interventions.groups", tuple, (), "Nodes to sweep too, each on its own, such as 0:17,0:18"),
    Setting(
        "together",
        "interventions.groups",
        tuple,
        (),
        "Layers or nodes to sweep too, all at once; may be given again",
        is_repeated=True,
    ),
)
"""Settings that are no field of their own."""


@cache
def all_settings() -> dict[str, Setting]:
    """Give every setting by its name.

    Examples
    --------
    >>> all_settings()["seed"].default
    0
    """
    roots = (("load.", LoadOptions), ("data.", DataOptions), ("", Options))
    found = (*(each for prefix, cls in roots for each in _settings(cls, prefix)), *FURTHER)
    return {setting.name: setting for setting in found}


def _settings(cls: type, prefix: str) -> Iterator[Setting]:
    """Yield a setting for each field with a flag, and for those of the options that fields hold."""
    hints, texts = field_types(cls), field_meanings(cls)
    for each in fields(cls):
        hint = hints[each.name]
        if is_dataclass(hint) and isinstance(hint, type):
            yield from _settings(hint, f"{prefix}{each.name}.")
        elif get_origin(hint) is Annotated and isinstance(get_args(hint)[1], Flag):
            base, flag = get_args(hint)[:2]
            kind = next(kind for kind in KINDS if kind in (base, get_origin(base), *get_args(base)))
            default = each.default_factory() if each.default_factory is not MISSING else each.default
            help = re.sub(r"`+|(?<!\.)\.$", "", texts[each.name])  # an ellipsis keeps its dots
            yield Setting(flag.name or each.name, prefix + each.name, kind, default, help, flag)


def check_settings(values: Mapping[str, Any], dashes: str = "") -> dict[str, Any]:
    """Give the settings that were given a value, checked.

    Parameters
    ----------
    values
        Name of a setting -> value; None where the user gave none.
    dashes
        Prefix of a setting's name in errors: two dashes on the command line.

    Returns
    -------
    dict
        Name of a setting -> allowed value.

    Raises
    ------
    UsageError
        If there is no setting of a name, or a value is of another type or out of range.
    """
    known = all_settings()
    said = {name: value for name, value in values.items() if value is not None}
    for name in said:
        if name not in known:
            raise unknown_name("option", name, known)
    return {name: known[name].checked(value, label_of(name, dashes)) for name, value in said.items()}


def label_of(name: str, dashes: str) -> str:
    """Give the name of a setting in errors.

    Parameters
    ----------
    name
        Name of the setting.
    dashes
        Prefix of the name: two dashes on the command line, where underscores become dashes too.
    """
    return dashes + name.replace("_", "-") if dashes else name
