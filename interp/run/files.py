"""The file of a stage in the folder of a run: what the stage found <-> its file, checked against the run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from interp.errors import MismatchError
from interp.store import check_layers, check_same, check_tables, read_provenance, read_results, write_results
from interp.types import NodeLayer, Provenance

WHOLE = "all"
"""Key of a result of the whole network in a file of results by layer."""

Opened = Callable[[Path], tuple[Any, Provenance]]
"""Function of a file that gives results and their provenance."""

Checked = Callable[[Path], None]
"""Function of a file that reads all of it, and raises `MismatchError` where that is not as it was written."""


@dataclass(frozen=True)
class StageFile:
    """File that holds, or will hold, what a stage found of one network and data set.

    Attributes
    ----------
    path
        Path of the file, which need not be there.
    result
        Class of the results.
    command
        Command that makes the file anew, for errors.
    made_of
        Provenance of the run, whose model and data the results must be of.
    layers
        Layers that have a result each; None where the whole network has one.
    opened
        Function that opens the file of a stage that writes it itself; None for a file of results.
    restored
        Function of results as the file holds them that gives all of them; None where the file holds all.
    checked
        Function that reads what `opened` leaves unread, and compares it with its checksums; None where that is nothing.
    """

    path: Path
    result: type
    command: str
    made_of: Provenance
    layers: Sequence[NodeLayer] | None
    opened: Opened | None
    restored: Callable[[Any], Any] | None = None
    checked: Checked | None = None

    def read(self, is_new: bool = False) -> Any:
        """Read what the stage found.

        Parameters
        ----------
        is_new
            Whether the file has just been written by this process, or others of its job, so that it need not be
            compared with its digest and checksums.

        Returns
        -------
        object
            Layer name -> result, or one result of the whole network.

        Raises
        ------
        MismatchError
            If the file is missing, damaged, or belongs to another model or data set.
        """
        if self.opened is not None:
            if self.checked is not None and not is_new:
                self.checked(self.path)
            found, provenance = self.opened(self.path)
            check_same(self.path, provenance, self.made_of, self.command)
            return found
        results: dict[str, Any]
        results, provenance = read_results(self.path, self.result, self.command, is_sealed=not is_new)
        check_same(self.path, provenance, self.made_of, self.command)
        found = self._checked(results)
        return found if self.restored is None else self.restored(found)

    def _checked(self, found: dict[str, Any]) -> Any:
        """Give results that are those of the network's layers."""
        if self.layers is not None:
            check_layers(self.path, found, self.layers, self.command)
            return found
        if set(found) != {WHOLE}:
            expected, do = "those of all layers", f"run `{self.command}`"
            raise MismatchError(self.path, found="other results", expected=expected, do=do)
        check_tables(self.path, found[WHOLE], self.command)
        return found[WHOLE]

    def write(self, found: Any, provenance: Provenance) -> None:
        """Write what the stage found, unless it has written the file itself.

        Parameters
        ----------
        found
            Layer name -> result, or one result of the whole network.
        provenance
            Model, data, options and fingerprint, to be saved with the results.

        Raises
        ------
        UsageError
            If the file cannot be written.
        """
        if self.opened is None:
            write_results(self.path, found if self.layers is not None else {WHOLE: found}, provenance)

    def provenance(self) -> Provenance:
        """Read the provenance, and nothing else of a file of ours.

        Raises
        ------
        MismatchError
            If the file is missing, damaged, or belongs to another model or data set.
        """
        try:
            found = read_provenance(self.path, self.command)
        except MismatchError:
            if self.opened is None:
                raise
            found = self.opened(self.path)[1]  # a stage of the user's own may write files of another kind
        check_same(self.path, found, self.made_of, self.command)
        return found

    def finished(self, wanted: Provenance) -> Any:
        """Read what the stage found, if that was with the same inputs, options and code.

        Parameters
        ----------
        wanted
            Provenance that results of the stage would have now.

        Returns
        -------
        object
            Layer name -> result, or one result of the whole network; None where the file is missing, damaged or of
            other inputs, options or code.
        """
        try:
            return self.read() if self.provenance().fingerprint == wanted.fingerprint else None
        except MismatchError:  # missing or damaged
            return None
