"""Pickled objects opened without their classes: inert stand-ins keep what the file says, and run nothing.

`torch.load(weights_only=True)` calls only what it allows. For every other name in the file it is given a
class of ours that takes any arguments, keeps its state and does nothing; so a pickled module shows its
tensors, its children and the names of their classes, and its code is neither imported nor called. Where the file sets
items of an object, as of a subclass of `dict`, it is given an empty dict or list for it: torch sets items of no other.
"""

from __future__ import annotations

import pickletools
import zipfile
from _compat_pickle import IMPORT_MAPPING, NAME_MAPPING
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any

import torch
import torch._utils
from torch import Tensor, nn

from interp.checkpoints.formats.legacy import HEADERS, TAKE_CLASS, take_class, without_sources
from interp.checkpoints.graph.steps import Part
from interp.safety import UnsafePickle, classes_given_items, load_weights

DEEPEST = 100  # modules in modules
MOST = 50_000  # modules by name
LEGACY_PICKLES = HEADERS + 1

RENAMED: tuple[tuple[Mapping[tuple[str, str], tuple[str, str]], Mapping[str, str]], ...] = (
    (NAME_MAPPING, IMPORT_MAPPING),
    (getattr(torch._utils, "NAME_MAPPING", {}), getattr(torch._utils, "IMPORT_MAPPING", {})),
)
"""Names of Python 2, and modules of it -> those of Python 3: Python's own, and the fewer by which torch looks."""


def without_default(*_: object) -> dict[Any, Any]:
    """Begin a dict in place of a `defaultdict`, whose items torch's unpickler sets in plain dicts alone."""
    return {}


KNOWN: dict[str, Callable[..., Any]] = {
    TAKE_CLASS: take_class,
    "collections.defaultdict": without_default,  # such as the state of a pickled optimizer
    "torch.autograd.variable.Variable": nn.Parameter,  # torch 0.3 and older
}
"""Names that do not get a stand-in, and what they are read as; none of these does more than hold what it is given."""


class Inert:
    """Stands in for an object of a class that is not imported.

    Attributes
    ----------
    class_name
        Dotted name of the class or function, as the file gives it.
    state
        Attributes of the object by name.
    """

    class_name: str = ""
    state: dict[str, Any]

    def __new__(cls, *arguments: Any, **named: Any) -> Inert:
        """Take whatever the file passes."""
        made = super().__new__(cls)
        made.state = {}
        return made

    def __setstate__(self, state: Any) -> None:
        """Keep plain attributes; anything else is no module's state."""
        if isinstance(state, Mapping):
            self.state = dict(state)


HOLDERS: dict[type, Callable[[], Any]] = {dict: OrderedDict, list: list}  # the first takes attributes, too
"""Kind of container that the file gives items to -> container that stands in for it."""


def load_inert(path: Path, file: IO[bytes] | None = None) -> Any:
    """Load what `torch.save` wrote with stand-ins for every class that `weights_only` does not know.

    Parameters
    ----------
    path
        File that names of classes are read from, and everything else unless `file` is given.
    file
        Seekable zip archive in memory to load from instead.
    """
    names = {spelling: name for spelling, name in global_names(path).items() if spelling not in KNOWN}
    if file is None and not zipfile.is_zipfile(path):
        file = without_sources(path.read_bytes())
    given = classes_given_items(path if file is None else file)
    holders = {names[name]: _holder(HOLDERS[kind]) for name, kind in given.items() if name in names}
    kinds = {name: holders.get(name) or type("StandIn", (Inert,), {"class_name": name}) for name in names.values()}
    stand_ins = [(kinds[name], spelling) for spelling, name in names.items()]
    known = [*stand_ins, *((value, name) for name, value in KNOWN.items())]
    with torch.serialization.safe_globals(known):  # type: ignore[arg-type]
        return load_weights(path if file is None else file, checked=True)


def global_names(path: Path) -> dict[str, str]:
    """Map each spelling of the dotted names that a torch file's pickle refers to, without running it, to Python 3's.

    Pickles of protocol 2 hold names of Python 2, as for `list` and `OSError`. Torch looks for some of them by those of
    Python 3 and for the others as they stand in the file: a name is listed under each.
    """
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            name = next(name for name in archive.namelist() if name.rsplit("/", 1)[-1] == "data.pkl")
            with archive.open(name) as file:
                return dict(sorted(_globals(file)))
    with path.open("rb") as file:
        return dict(sorted(found for _ in range(LEGACY_PICKLES) for found in _globals(file)))


def _holder(container: Callable[[], Any]) -> type:
    """Make a class whose objects are empty containers, whatever arguments it is called with."""

    def begin(cls: type, *_: object, **__: object) -> Any:
        return container()

    return type("Holder", (), {"__new__": begin})


def _globals(file: IO[bytes]) -> Iterator[tuple[str, str]]:
    for opcode, argument, _ in pickletools.genops(file):
        if opcode.name == "GLOBAL":
            module, _, name = str(argument).partition(" ")
            renamed = [names.get((module, name), (modules.get(module, module), name)) for names, modules in RENAMED]
            for spelling in ((module, name), *renamed):
                yield ".".join(spelling), ".".join(renamed[0])


def is_module(value: Any) -> bool:
    """Whether a stand-in holds a module: torch's own registers, or a scripted module's attributes."""
    return isinstance(value, Inert) and ("_modules" in value.state or value.class_name.startswith("__torch__."))


def parts_of(module: Inert) -> dict[str, Part]:
    """List a stand-in's module and all modules in it by dotted name, the whole under ''.

    A module that two names share, such as one `nn.ReLU` for several layers, is listed under both as the same part.

    Raises
    ------
    UnsafePickle
        If modules are nested too deep, or share others so often that listing them would not end.
    """
    found: dict[str, Part] = {}
    known: dict[int, Part] = {}

    def visit(value: Inert, name: str, above: tuple[int, ...]) -> None:
        if id(value) in above:  # a loop
            return
        if len(above) > DEEPEST or len(found) >= MOST:
            raise UnsafePickle(f"modules nested over {DEEPEST} deep, or over {MOST:,} of them")
        children = _children(value)
        if id(value) not in known:
            known[id(value)] = Part(_kind(value.class_name), _settings(value), _tensors(value), tuple(children))
        found[name] = known[id(value)]
        for own, child in children.items():
            visit(child, f"{name}.{own}" if name else own, (*above, id(value)))

    visit(module, "", ())
    return found


def state_of(parts: Mapping[str, Part]) -> dict[str, Tensor]:
    """Give the state dict that the module would have had, less the further names of what is shared."""
    first = {id(part): name for name, part in reversed(list(parts.items()))}
    return {
        f"{name}.{own}" if name else own: tensor
        for name, part in parts.items()
        if first[id(part)] == name
        for own, tensor in part.tensors.items()
    }


def _kind(class_name: str) -> str:
    plain = ".".join(bit for bit in class_name.split(".") if not bit.startswith("___torch_mangle"))
    plain = plain.removeprefix("__torch__.")
    if plain.startswith("torch.nn.modules."):
        return plain.rsplit(".", 1)[-1]
    return plain if "." in plain else f"__main__.{plain}"  # a class of one's own may be called Linear


def _children(module: Inert) -> dict[str, Inert]:
    where = module.state.get("_modules", module.state)
    return {str(key): value for key, value in where.items() if is_module(value)} if isinstance(where, Mapping) else {}


def _tensors(module: Inert) -> dict[str, Tensor]:
    registers = [module.state.get(name) for name in ("_parameters", "_buffers")]
    where = [register for register in registers if isinstance(register, Mapping)] or [module.state]
    return {str(k): Tensor.detach(v) for register in where for k, v in register.items() if isinstance(v, Tensor)}


def _settings(module: Inert) -> dict[str, Any]:
    plain = (bool, int, float, str)
    return {
        key: value
        for key, value in module.state.items()
        if isinstance(value, plain) or (isinstance(value, (tuple, list)) and all(isinstance(v, plain) for v in value))
    }
