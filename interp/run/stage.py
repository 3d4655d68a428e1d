"""One step of the analysis and the run that it is a step of, as values: each holds the other."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from interp.data.streams.drawn import Whole
from interp.errors import InterpError, UsageError, unknown_name
from interp.ranks import ALONE, Ranks
from interp.run.files import Checked, Opened, StageFile
from interp.run.settings.options import Options
from interp.safety import problem
from interp.types import Dataset, Limit, LoadedModel, NodeLayer, Provenance
from interp.types.parts import Keep, made_now
from interp.types.shown import ShortRepr


def every_layer(run: Run) -> Sequence[NodeLayer]:
    """Give all layers of a run's network, in order.

    Parameters
    ----------
    run
        Run with the network.
    """
    return run.model.layers


@dataclass(frozen=True)
class Stage:
    """One step of the analysis: a command of the program, and a file in the folder of a run.

    Attributes
    ----------
    name
        Name of the command, and key among the results.
    does
        Description of the stage in one line, for ``--help`` and the documentation.
    file
        Name of the file with the results.
    result
        Class of the results: of each layer (where a layer has several, of each), or of the whole network.
    needs
        Names of the stages whose files are read.
    run
        Function of a `Run` that gives layer name -> result; or one result, where `layers` is None.
    summarise
        Function of the results that gives lines for the terminal: the whole in the first, then details.
    options
        Dotted names of the fields of `Options` that shape the results; one that holds options stands for all of them.
    layers
        Function of a `Run` that gives the layers that have a result each; None where the whole network has one.
    field
        Field of `Results` that takes the results; None: ``extra``, under the stage's name.
    spec
        Name of the stage on the command line where its own does not do: ``package.module:name``.
    inputs
        Function of a `Run` that gives, JSON-able, anything else than model, data and options that shapes the results;
        None: nothing.
    opened
        Function of the file that gives results and their provenance, for a stage whose `run` writes the file itself as
        it goes; None for a file of results, which is written when `run` returns.
    restored
        Function of a `Run` and of results as its file holds them that gives them with what follows from model and data;
        None where the file holds all.
    checked
        Function of the file that reads what `opened` leaves unread, and raises `MismatchError` where that is not as it
        was written: before results of an earlier run are used. None where `opened` reads all that is to be checked.
    is_divided
        Whether all processes of a job run it, each its share of the parts that it asks `Run.keep` or `Run.ranks` for;
        else the first runs it, and the others wait.

    Examples
    --------
    >>> stage = Stage("count", "Count the nodes.", "count.h5", dict, ("record",), run=len, summarise=str)
    >>> stage.command
    'python -m interp count'
    """

    name: str
    does: str
    file: str
    result: type
    needs: tuple[str, ...]
    run: Callable[[Run], Any]
    summarise: Callable[[Any], Iterable[str]]
    options: tuple[str, ...] = ()
    layers: Callable[[Run], Sequence[NodeLayer]] | None = every_layer
    field: str | None = None
    spec: str = ""
    inputs: Callable[[Run], Any] | None = None
    opened: Opened | None = None
    restored: Callable[[Run, Any], Any] | None = None
    checked: Checked | None = None
    is_divided: bool = False

    def lines(self, found: Any) -> list[str]:
        """Sum up results, in one line at least; raises as `own_faults` does.

        Parameters
        ----------
        found
            Layer name -> result, or one result of the whole network.
        """
        with self.own_faults():
            return [str(line) for line in self.summarise(found)] or [""]

    @contextmanager
    def own_faults(self) -> Iterator[None]:
        """Say in one line what is wrong with a user's own stage.

        Raises
        ------
        UsageError
            If the block fails, and the stage is a user's own.
        """
        try:
            yield
        except InterpError:
            raise
        except Exception as error:  # the user's code fails in its own way
            if ":" not in self.spec:
                raise
            expected = "a stage that runs, and sums up what it found"
            raise UsageError(f"stage {self.spec}", found=problem(error), expected=expected, do="correct it") from error

    @property
    def command(self) -> str:
        """The command that makes the file anew."""
        return f"python -m interp {self.spec or self.name}"


@dataclass(frozen=True, repr=False)
class Run(ShortRepr):
    """A loaded model, its data, and the folder its results live in.

    Attributes
    ----------
    model
        Network that is looked at.
    data
        Data set that it is looked at with.
    out
        Output folder.
    options
        Options within the limits of the network's size.
    provenance
        Model, data, versions and all options, to be saved with the results.
    stages
        Stages by name, in the order in which they run.
    limits
        Parts of the network that the options leave out.
    others
        Further networks of its architecture, for tests over several networks.
    wholes
        Name of a split -> all of its samples, where the data set holds some of them.
    keep
        Giver of each part of the stage that is running, kept from before an interrupt or made now.
    ranks
        Processes that run it together.
    found
        Results of stages by name, as far as this process has just written or read their files: not to be changed.
    until
        Name of the last of our stages that runs before the page; empty for all.
    """

    model: LoadedModel
    data: Dataset
    out: Path
    options: Options
    provenance: Provenance
    stages: Mapping[str, Stage]
    limits: tuple[Limit, ...] = ()
    others: tuple[LoadedModel, ...] = ()
    wholes: Mapping[str, Whole] = field(default_factory=dict)
    keep: Keep = made_now
    ranks: Ranks = ALONE
    found: Mapping[str, Any] = field(default_factory=dict)
    until: str = ""

    def stage(self, name: str) -> Stage:
        """Find a stage by name.

        Parameters
        ----------
        name
            Name of the stage.

        Raises
        ------
        UsageError
            If there is none of that name; the line says which are close.
        """
        if name not in self.stages:
            raise unknown_name("stage", name, self.stages)
        return self.stages[name]

    def path(self, stage: str) -> Path:
        """Give the path of the file that a stage writes.

        Parameters
        ----------
        stage
            Name of the stage.
        """
        return self.out / self.stage(stage).file

    def file(self, stage: Stage) -> StageFile:
        """Give the file of a stage in the folder of the run.

        Parameters
        ----------
        stage
            Stage whose results the file holds, or will hold.
        """
        layers = None if stage.layers is None else stage.layers(self)
        restored = None if stage.restored is None else partial(stage.restored, self)
        path = self.out / stage.file
        return StageFile(
            path, stage.result, stage.command, self.provenance, layers, stage.opened, restored, stage.checked
        )

    def read(self, stage: str) -> Any:
        """Give what a stage found, read from its file unless it is known: layer name -> result, or one of the network.

        Parameters
        ----------
        stage
            Name of the stage.

        Raises
        ------
        MismatchError
            If its file is missing, damaged, or belongs to another model or data set.
        """
        return self.found[stage] if stage in self.found else self.file(self.stage(stage)).read()

    def provenance_of(self, stage: str) -> Provenance:
        """Read the provenance of a stage's file; errors as of `read`.

        Parameters
        ----------
        stage
            Name of the stage.
        """
        return self.file(self.stage(stage)).provenance()
