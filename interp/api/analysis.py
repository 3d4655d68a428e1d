"""Analyses: everything that one call of `analyse` found."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from interp.api.exporting import export
from interp.api.frames import layer_frame, node_frame
from interp.api.node import NodeFacts, find_node, node_facts
from interp.api.shown import as_html, as_line
from interp.errors import UsageError
from interp.report.page import write_report
from interp.report.sections import SECTIONS
from interp.run import Run, locked
from interp.run.find import needed
from interp.run.pipeline import evidence_of, results_of
from interp.run.recorded import recorded
from interp.run.timings import TIMINGS
from interp.store import check_writable
from interp.types import Alert, Dataset, Effects, LoadedModel, Recording, Results, Verdict
from interp.types.annotations.edge import checked
from interp.verdict.alerts import alerts
from interp.verdict.judge import reading_verdict


@dataclass(frozen=True, repr=False)
class Analysis:
    """What `interp.analyse` found of one network; nothing here runs the network again.

    Attributes
    ----------
    run
        Model, data, options and the folder that holds the files.
    found
        Name of each stage that was run -> its results: layer name -> result, or one result of the whole network.
    command
        Call that made it, as it is printed under "Reproduce" on the page.

    Examples
    --------
    >>> import interp
    >>> found = interp.analyse("zoo/pretrained/abs-digits.pt", stages=["boundaries"], quick=True, nodes_per_layer=4)
    >>> found.nodes["kind"].tolist().count("unsampled")
    50
    >>> found
    Analysis(zoo/pretrained/abs-digits.pt on digits: 2 layers, 58 nodes; record, fit, boundaries)
    """

    run: Run
    found: Mapping[str, Any]
    command: str
    _home: Any = field(default=None, compare=False)  # keeps a temporary folder until nobody needs it

    @property
    def model(self) -> LoadedModel:
        """The network as it was read, with what was inferred of it and its score on each split."""
        return self.run.model

    @property
    def data(self) -> Dataset:
        """The data that it was looked at with."""
        return self.run.data

    @cached_property
    def nodes(self) -> pd.DataFrame:
        """One row a node, by address (``fc1:17``), in network order.

        What a stage that was not run, or a limit, left out has no column, or is missing. Columns:

        - ``layer``, ``node``: name of the layer, and index in it.
        - ``kind``: ``coherent``, ``adhoc``, ``undecided``, ``one-sided``, ``dead`` or ``unsampled``;
          ``distance`` of the boundary to the closest component mean (of index ``component``), in sigma, with its 95 %
          interval ``distance_low``, ``distance_high``; ``p_value`` and ``q_value`` beside parallel boundaries
          through random points; ``reliability`` of the side of the threshold that it lies on; ``kind_by_class``, the
          kind by the means of classes alone.
        - ``mean``, ``sd``, ``skewness``, ``kurtosis``, ``minimum``, ``maximum`` of z over the training split;
          ``positive_share`` of z > 0; ``components`` of the mixture; ``ks`` and ``ks_mixture``, distances to one
          Gaussian and to the mixture.
        - ``nearest_input``, ``strongest_input``: index of the training input closest to the boundary, and of the one
          with the largest output. ``conditional_rows``, ``component_rows``, ``nearest_rows``, ``strongest_rows``:
          effective number of rows behind each mean input. ``whitening``: w Sigma w^T. ``centroid`` matched to the
          nearest prototype by k-means of as many centroids as nodes, and ``centroid_distance``.
        - ``twin``: index of the other node of the layer with the most correlated outputs, and ``twin_correlation``;
          ``saturated``: share of rows at an end of the activation's range.
        - ``conductance`` and ``captum_ablation`` by Captum, ``score_change`` by our own ablation.
        - ``zero_ablation``, ``mean_ablation``: change of the score where the node's output is set to 0, or to its mean,
          on the test split (without one, on a half of the training split); each with its 95 % interval (``_low``,
          ``_high``), ``_p_value`` and ``_q_value``; ``zero_ablation_training``
          and ``mean_ablation_training`` are the change on the training samples.
        - the columns of `Effects.node_levels`, read off the node's clamp curves.
        """
        return node_frame(self.model.layers, self.fields)

    @cached_property
    def layers(self) -> pd.DataFrame:
        """One row a layer, by name, in network order.

        What a stage that was not run, or a limit, left out has no column, or is missing. Columns:

        - ``kind``, ``nodes``, ``inputs``, ``activation``.
        - ``coherent``, ``adhoc``, ``undecided``, ``one_sided``, ``dead``, ``unsampled``: nodes of each kind.
          ``share`` of live nodes within the threshold of a cluster mean, with its 95 % interval ``share_low``,
          ``share_high``; ``chance``, ``chance_low``, ``chance_high``: what the null that explains it best gives;
          ``p_value`` beside it.
        - ``rank_correlation`` of Captum's importance of nodes with ours.
        - the columns of `Effects.tolerance`, of the network itself.
        """
        return layer_frame(self.model.layers, self.fields)

    @property
    def effects(self) -> pd.DataFrame:
        """What interventions cost, a row each: the table of `Effects`, whose other tables are in ``results.effects``.

        Raises
        ------
        UsageError
            If the stage ``intervene`` was not run.
        """
        effects: Effects = self._of("intervene")
        return effects.table

    @cached_property
    def results(self) -> Results:
        """Everything, as the page is made of it.

        Raises
        ------
        UsageError
            If some stages were not run.
        """
        for name in needed(self.run):
            self._of(name)
        return results_of(self.run, self.found)

    @property
    def verdict(self) -> Verdict:
        """What the results say, in plain words: headline, findings, alerts, and what is read of each layer.

        Where some stages were not run but ``read`` was, only what is read.

        Raises
        ------
        UsageError
            If neither all stages nor ``read`` were run.
        """
        if self._is_whole or "read" not in self.found:
            return self.results.verdict
        return reading_verdict(self.found["read"])

    @cached_property
    def alerts(self) -> tuple[Alert, ...]:
        """What a reader must know before trusting all this, the worst first; of the stages that were run."""
        if self._is_whole:
            return self.results.verdict.alerts
        return alerts(evidence_of(self.run, self.fields))

    @checked
    def node(self, name: str) -> NodeFacts:
        """Gather everything that was found of one node.

        Parameters
        ----------
        name
            Address of the node, such as ``fc1:17``.

        Returns
        -------
        NodeFacts
            Numbers, mixture, prototypes and effects of the node.

        Raises
        ------
        UsageError
            If there is no such node.
        """
        place = find_node(self.model, name)
        return node_facts(place, self.nodes.loc[f"{place[0].name}:{place[1]}"], self.fields, self.data.image_shape)

    @checked
    def recording(self, split: str = "train") -> Recording:
        """Open the recorded pre-activations of a split; close it, or use it in a ``with`` block.

        Parameters
        ----------
        split
            Name of the split, ``train`` or ``test``.

        Returns
        -------
        Recording
            Pre-activations of all layers, read from the file or, without one, computed as they are asked for.

        Raises
        ------
        UsageError
            If there is no such split.
        """
        return recorded(self.run, split)

    @checked
    def save(self, folder: str | Path, sections: Sequence[str] = ()) -> Path:
        """Write what the command line writes: the files of the stages, and, where all were run, the page.

        Parameters
        ----------
        folder
            Folder to write into; made if missing.
        sections
            Further sections of the page, each ``package.module:name``.

        Returns
        -------
        Path
            Path of the page, or of the folder where some stages were not run.

        Raises
        ------
        UsageError
            If the folder cannot be written.
        """
        out = Path(folder)
        check_writable(out)
        with locked(out):
            if out.resolve() != self.run.out.resolve():
                for name in (*(self.run.stage(name).file for name in self.found), TIMINGS):
                    shutil.copyfile(self.run.out / name, out / name)
            if not self._is_whole:
                return out
            write_report(self.results, out, self.command, SECTIONS | {name: name for name in sections})
        return out / "report.html"

    @checked
    def export(self, to: str, path: str | Path, layers: Sequence[str] = (), splits: Sequence[str] = ()) -> Path:
        """Write what was recorded, and the table of nodes, for another program, as `interp.export` does.

        Parameters
        ----------
        to
            Format: ``parquet``, ``zarr``, ``npz``, ``anndata``, ``xarray``, or ``package.module:name`` of your own.
        path
            File or folder to make, which must not be there.
        layers
            Names of the layers; none for all.
        splits
            Names of the splits; none for all.

        Returns
        -------
        Path
            Path of the file or folder that was made.

        Raises
        ------
        MismatchError
            If values were not stored, the recording is damaged, or results beside it are of another recording.
        UsageError
            If there is no such format, layer or split, a package is not installed, or the path is taken.
        """
        return export(self.run.out, to, path, layers, splits)

    @property
    def _is_whole(self) -> bool:
        return set(needed(self.run)) <= set(self.found)

    @property
    def fields(self) -> dict[str, Any]:
        """Field of `Results` -> what was found."""
        stages = {name: self.run.stage(name).field for name in self.found}
        return {field: self.found[name] for name, field in stages.items() if field is not None}

    def _of(self, stage: str) -> Any:
        if stage not in self.found:
            raise UsageError(
                "analysis",
                found=f"no stage {stage!r} among {', '.join(self.found)}",
                expected="it to have been run",
                do=f"name it in analyse(..., stages=[..., {stage!r}]), or leave stages out for all",
            )
        return self.found[stage]

    def __repr__(self) -> str:
        return as_line(self.run, list(self.found), self.verdict.headline if self._is_whole else "")

    def _repr_html_(self) -> str:
        """Show the verdict and the first figures in a notebook."""
        return as_html(self.run, self.found, self.results if self._is_whole else None)
