"""The results that flow from stage to stage: frozen dataclasses of plain arrays.

Axis letters: S samples (rows), N nodes of one layer, K mixture components, C classes, D inputs,
E levels of a threshold, R repetitions of a null, T exemplars.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol

import numpy as np
import numpy.typing as npt
import pandas as pd

if TYPE_CHECKING:
    import torch

Array = npt.NDArray[Any]
Confidence = Literal["certain", "likely", "uncertain"]


class Rows(Protocol):
    """A table of samples read a slice at a time: a numpy array or an HDF5 dataset."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Rows, then columns."""

    def __getitem__(self, rows: Any, /) -> Any:
        """Read some rows."""


# --------------------------------------------------------------------------- what went in


@dataclass(frozen=True)
class Inference:
    """One fact that the program worked out rather than was told.

    Attributes
    ----------
    value
        The fact; JSON-able.
    confidence
        `certain` if a file or the user states it, `likely` if data single it out, else `uncertain`.
    evidence
        Why, in one sentence with the numbers.
    """

    value: Any
    confidence: Confidence
    evidence: str


@dataclass(frozen=True)
class Scaling:
    """Input preprocessing ``(x / divisor - mean) / std``, in float32 and in that order.

    Attributes
    ----------
    name
        As printed: ``raw``, ``x/255``, ``(x/255-0.1307)/0.3081`` or ``(x-mean)/std``.
    divisor
        In units of the stored data; 255 for bytes.
    mean, std
        Scalars () or one value per input (D,).
    """

    name: str
    divisor: float = 1.0
    mean: Array = field(default_factory=lambda: np.zeros((), np.float32))
    std: Array = field(default_factory=lambda: np.ones((), np.float32))

    def __call__(self, inputs: Array) -> Array:
        """Scale stored inputs (S, D) to what the network was trained on, float32 (S, D)."""
        scaled: Array = np.asarray(inputs, np.float32)
        if self.divisor != 1:
            scaled = scaled / np.float32(self.divisor)
        if np.any(self.mean != 0):
            scaled = scaled - self.mean.astype(np.float32)
        if np.any(self.std != 1):
            scaled = scaled / self.std.astype(np.float32)
        return scaled


@dataclass(frozen=True)
class Split:
    """One part of a data set.

    Attributes
    ----------
    inputs
        As stored, (S, D) in their own type.
    labels
        (S,) int64 class indices, or None.
    targets
        (S, T): uint8 zeros and ones of several labels, or float64 measured values; None without either.
    """

    inputs: Array
    labels: Array | None
    targets: Array | None = None

    def __len__(self) -> int:
        return len(self.inputs)

    def take(self, rows: Array) -> Split:
        """Give some rows, in the order asked for."""
        parts = (None if part is None else part[rows] for part in (self.labels, self.targets))
        return Split(self.inputs[rows], *parts)


@dataclass(frozen=True)
class Dataset:
    """Inputs as stored (unscaled), with what is known about them.

    Attributes
    ----------
    name
        As the user gave it: ``digits``, ``mnist``, a path or ``package.module:callable``.
    splits
        ``train`` always, ``test`` where there is one.
    image_shape
        (channels, height, width) if inputs are images, else None.
    classes
        Class names, in label order; empty without labels.
    features
        Column names of tabular inputs; empty otherwise.
    digest
        SHA-256 over inputs and labels.
    root
        Folder the data were read from, if any.
    """

    name: str
    splits: Mapping[str, Split]
    image_shape: tuple[int, int, int] | None
    classes: tuple[str, ...]
    features: tuple[str, ...]
    digest: str
    root: str | None = None

    @property
    def train(self) -> Split:
        """The split that every fit uses."""
        return self.splits["train"]

    @property
    def width(self) -> int:
        """Inputs per sample, D."""
        return int(self.train.inputs.shape[1])


@dataclass(frozen=True)
class NodeLayer:
    """The nodes of one linear map, and where their values are found.

    Attributes
    ----------
    name
        Dotted path of the linear map; node 17 of ``fc1`` is ``fc1:17``.
    kind
        A value of `interp.nodes.NODE_KINDS`, such as ``linear``, ``conv2d``, ``offset-l2``.
    nodes
        Output channels, N.
    inputs
        Values one node reads, D; for a convolution the patch size.
    activation
        What is applied to z, a name of `interp.activations.ACTIVATIONS`, or ``custom``.
    tap
        Module whose output is z: the linear map, or the norm that follows it. Where no module's output
        is z, the parameter or buffer that marks the call of the torch function that computes it.
    layout
        Where the samples are in z: ``samples`` on axis 0; ``folded`` there too, each as several rows
        one after the other; ``positions-first`` where all samples' first positions come first.
    """

    name: str
    kind: str
    nodes: int
    inputs: int
    activation: str
    tap: str
    layout: Literal["samples", "folded", "positions-first"] = "samples"


@dataclass(frozen=True)
class LoadedModel:
    """A network ready to be looked at, and how it was read.

    Attributes
    ----------
    module
        In eval mode, on the device the user gave it; maps scaled inputs to logits or scores.
    layers
        Node layers in the order in which they run.
    format
        What kind of file it came from, such as ``torch-zip`` or ``zoo``.
    input_shape
        Shape of one sample as the module takes it, such as (784,) or (1, 28, 28).
    output
        What is done to the last layer's z: ``linear``, ``negated-activation``, ...
    inferred
        Fact name -> how it was worked out.
    skipped
        What holds parameters but is not covered, with the reason; never silently dropped.
    metadata
        What the file says of itself (data, seed, epoch, metrics); plain values only.
    task
        What it is asked for, a name of `interp.tasks.TASKS`.
    scores
        Split -> score of that task: accuracy, or R².
    """

    module: torch.nn.Module
    layers: tuple[NodeLayer, ...]
    path: str
    format: str
    digest: str
    scaling: Scaling
    input_shape: tuple[int, ...]
    output: str
    inferred: Mapping[str, Inference]
    skipped: Mapping[str, str] = field(default_factory=dict)
    metadata: Mapping[str, Any] = field(default_factory=dict)
    task: str = "classification"
    scores: Mapping[str, float] = field(default_factory=dict)

    @property
    def accuracy(self) -> Mapping[str, float]:
        """Split -> share of right rows; empty for a task scored otherwise."""
        return self.scores if self.task in ("classification", "binary") else {}

    def layer(self, name: str) -> NodeLayer:
        """Find a layer by name; a wrong one is answered with the close ones."""
        from interp.errors import unknown_name

        found = {layer.name: layer for layer in self.layers}
        if name not in found:
            raise unknown_name("layer", name, found)
        return found[name]


# --------------------------------------------------------------------------- what came out


@dataclass(frozen=True)
class Provenance:
    """Where a result came from, enough to refuse a file that belongs elsewhere.

    Attributes
    ----------
    model_digest, data_digest
        SHA-256 of the checkpoint file and of the data.
    seed
        Of every random draw in the run.
    versions
        Package name -> version.
    settings
        The options that shaped the result, JSON-able: checkpoint path, data name, reading.
    """

    model_digest: str
    data_digest: str
    seed: int
    versions: Mapping[str, str]
    settings: Mapping[str, Any]


@dataclass(frozen=True)
class Recording:
    """Pre-activations of one split, read from disk a batch at a time.

    Attributes
    ----------
    layers
        What was recorded, in network order.
    z
        Layer name -> (S, N) float32. A convolution has one row a recorded position.
    sample
        Layer name -> (S,) index of the input that each row came from.
    position
        Layer name -> (S,) flat index of the output position; empty where there is only one.
    output_range
        Layer name -> (2, N): least and largest activation output.
    output_mean
        Layer name -> (N,): mean activation output.
    active_share
        Layer name -> (N,): share of rows whose activation output exceeds 1e-6 in size.
    labels, predictions
        Per input, (S,) int64; labels None without them, predictions -1 where the task has no classes.
    provenance
        Of model and data.
    """

    split: str
    layers: tuple[NodeLayer, ...]
    z: Mapping[str, Rows]
    sample: Mapping[str, Array]
    position: Mapping[str, Array]
    output_range: Mapping[str, Array]
    output_mean: Mapping[str, Array]
    active_share: Mapping[str, Array]
    labels: Array | None
    predictions: Array
    provenance: Provenance
    close: Callable[[], None] = lambda: None

    def batches(self, layer: str, size: int = 8192) -> Iterator[Array]:
        """Yield z of one layer in order, (<= size, N) float32 at a time."""
        rows = self.z[layer]
        for start in range(0, rows.shape[0], size):
            yield np.asarray(rows[start : start + size])

    def row_labels(self, layer: str) -> Array | None:
        """Give the label of each row of a layer, (S,), or None without labels."""
        return None if self.labels is None else self.labels[self.sample[layer]]

    def __enter__(self) -> Recording:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


@dataclass(frozen=True)
class GaussianFit:
    """1D Gaussians of every node of one layer.

    Attributes
    ----------
    count
        Rows seen.
    mean, var, skewness, kurtosis, minimum, maximum
        (N,); var divides by count; kurtosis is excess (0 for a Gaussian).
    class_count
        (C,) rows of each class.
    class_mean, class_var
        (C, N); NaN where a class has no rows.
    weight, component_mean, component_var
        (N, K) mixture by BIC, components by mean; weight 0 and NaN beyond a node's own number.
    components
        (N,) number of components chosen.
    bic
        (N, K) of the fits with 1..K components; lower is better.
    ks, ks_mixture
        (N,) Kolmogorov-Smirnov distance to the one Gaussian and to the mixture, in [0, 1].
    positive_share
        (N,) share of rows with z > 0.
    histogram
        (N, B) rows per equal-width bin of [minimum, maximum].
    """

    count: int
    mean: Array
    var: Array
    skewness: Array
    kurtosis: Array
    minimum: Array
    maximum: Array
    class_count: Array
    class_mean: Array
    class_var: Array
    weight: Array
    component_mean: Array
    component_var: Array
    components: Array
    bic: Array
    ks: Array
    ks_mixture: Array
    positive_share: Array
    histogram: Array


@dataclass(frozen=True)
class Thresholds:
    """What counts as dead, one-sided and coherent.

    Attributes
    ----------
    rule
        ``mixture``: |m_k|/s_k <= epsilon for some component with weight >= min_weight.
        ``mean``: |z(mu)| <= epsilon, in the output's own unit (as-NN, experiment 1).
    epsilon
        In sigma for ``mixture``, in output units for ``mean``.
    min_weight
        Least weight of a component that counts as a cluster.
    one_sided
        Share of rows on one side of z = 0 from which a node acts as linear.
    """

    rule: Literal["mixture", "mean"] = "mixture"
    epsilon: float = 0.25
    min_weight: float = 0.05
    one_sided: float = 0.999


@dataclass(frozen=True)
class Boundaries:
    """Kind of every boundary z = 0 of one layer, beside what chance would give.

    Attributes
    ----------
    kind
        (N,) ``dead``, ``one-sided``, ``coherent`` or ``adhoc``.
    component
        (N,) index of the component whose mean the boundary is closest to; -1 if dead.
    distance
        (N,) of the boundary to that mean, in sigma (``mean`` rule: output units); NaN if dead.
    distance_low, distance_high
        (N,) 95 % interval of the distance (delta method).
    component_distance
        (N, K) of the boundary to every component mean, in sigma.
    p_value, q_value
        (N,) chance that a parallel hyperplane through a random data point comes as close;
        and the same after Benjamini-Hochberg.
    epsilons
        (E,) thresholds of the curve.
    share, share_low, share_high
        (E,) share of live nodes within epsilon, with 95 % bootstrap interval over nodes.
    null_share
        Null name -> (E,) expected share: ``random point``, ``permuted bias``,
        ``random direction``.
    null_low, null_high
        Null name -> (E,) central 95 % range of the share that the null gives.
    share_p_value
        (E,) P(null ``random point`` gives at least this share), Poisson-binomial.
    thresholds
        As used.
    """

    kind: Array
    component: Array
    distance: Array
    distance_low: Array
    distance_high: Array
    component_distance: Array
    p_value: Array
    q_value: Array
    epsilons: Array
    share: Array
    share_low: Array
    share_high: Array
    null_share: Mapping[str, Array]
    null_low: Mapping[str, Array]
    null_high: Mapping[str, Array]
    share_p_value: Array
    thresholds: Thresholds

    @property
    def counts(self) -> dict[str, int]:
        """Nodes of each kind."""
        return {kind: int(np.sum(self.kind == kind)) for kind in KINDS}


KINDS = ("coherent", "adhoc", "one-sided", "dead")


@dataclass(frozen=True)
class Prototypes:
    """The mean inputs that the nodes of one layer stand for.

    Attributes
    ----------
    layer_input, network_input
        Kind -> (N, D) means over rows of the layer's input and of the (scaled) network input.
        Kinds: ``conditional``, ``component``, ``nearest``, ``strongest``; NaN rows where a
        node has none. A convolution's layer input is the patch it reads, its network input the
        whole of what the patch was taken from.
    effective_count
        Kind -> (N,) rows behind each mean, (sum w)^2 / sum w^2; Kish's effective sample size.
    exemplars
        ``nearest`` and ``strongest`` -> (N, T) input indices, best first.
    input_mean
        (D,) mean of the layer's input.
    projection
        (N, D) the input mean projected onto each boundary.
    weight
        (N, D) the nodes' weights, batch-norm folded in; NaN for nodes that are not linear.
    principal_coordinates
        (N, P) alpha_i = sqrt(lambda_i) v_i.w, over the P = min(D, N, 64) leading components.
    whitening
        (N,) w Sigma w^T, 1 where a node is a whitened distance.
    network_mean
        (D0,) mean of the (scaled) network input.
    """

    layer_input: Mapping[str, Array]
    network_input: Mapping[str, Array]
    effective_count: Mapping[str, Array]
    exemplars: Mapping[str, Array]
    input_mean: Array
    network_mean: Array
    projection: Array
    weight: Array
    principal_coordinates: Array
    whitening: Array


@dataclass(frozen=True)
class ClusterMatch:
    """Prototypes of one layer beside k-means centroids of the layer's input.

    Attributes
    ----------
    k
        Centroids.
    centroids
        (k, D).
    rows
        Rows that k-means saw.
    match
        Prototype kind -> (N,) matched centroid (Hungarian), -1 if none.
    distance
        Prototype kind -> (N,) Euclidean distance to it; NaN if none.
    null_distance
        Prototype kind -> null name -> (R,) mean matched distance of each repetition.
    agreement
        Rows: pairs of partitions; columns ``pair``, ``ari``, ``nmi``, ``null_ari``, ``null_nmi``.
    accuracy
        Rows: classifiers; columns ``classifier``, ``accuracy``, ``low``, ``high``
        (95 % Wilson), ``agreement`` (with the network's predictions), ``samples``.
    """

    k: int
    centroids: Array
    rows: int
    match: Mapping[str, Array]
    distance: Mapping[str, Array]
    null_distance: Mapping[str, Mapping[str, Array]]
    agreement: pd.DataFrame
    accuracy: pd.DataFrame


@dataclass(frozen=True)
class Effects:
    """What interventions cost, as one tidy table.

    Attributes
    ----------
    table
        Columns: ``layer``, ``node`` (-1 for the whole layer), ``intervention``, ``level``,
        ``split``, ``samples``, ``accuracy``, ``low``, ``high`` (95 % Wilson), ``loss``,
        ``difference`` (to the baseline), ``difference_low``, ``difference_high`` (95 % paired),
        ``p_value`` (exact McNemar; of R², paired t), ``q_value`` (Benjamini-Hochberg within layer,
        intervention and split). Without labels, accuracy is agreement with the unperturbed
        predictions and loss is NaN. ``zero-ablation`` and ``mean-ablation`` have one row a node,
        no level, and the training split; the level of clip's no-op is infinite.
    baseline
        Split -> accuracy of the unperturbed model.
    skipped
        ``layer:node`` -> why an intervention left it as it was.
    curves
        Clamps of single nodes over levels, from `interp.interventions.curves.clamp_curves`; may be empty.
    node_levels
        What is read off them: ``layer``, ``node``, ``equilibrium``, ``half_min``, ``half_max``, ``lowest``, and of
        the unperturbed network ``above`` (share of samples whose output exceeds the equilibrium level),
        ``accuracy_above`` and ``accuracy_below``; may be empty.
    balance
        Class balance at the equilibrium: ``layer``, ``node``, ``class``, ``samples``, ``above`` (share of the
        class's samples whose output exceeds that level), from `interp.interventions.balance`; may be empty.
    control
        Agreement of the network and of shuffled copies with their own unperturbed predictions, from
        `interp.interventions.control.compare_with_control`; may be empty.
    tolerance
        Read off it, a row a layer and network: the levels around the no-op that keep 99 % of the predictions,
        ``scale_low``, ``scale_high``, ``offset_low``, ``offset_high``; ``width`` (half that range of offsets),
        ``ratio`` (tolerated weakening over ``width``); and of the network itself 95 % paired-bootstrap intervals over
        samples, ``scale_low_from``, ``scale_low_to`` and so on; may be empty.
    classes
        Accuracy of each class while whole layers are changed: ``layer``, ``intervention``, ``level``, ``split``,
        ``class`` (its label; without labels the unperturbed prediction), ``samples``, ``accuracy``, ``low``,
        ``high`` (95 % Wilson); may be empty.
    falls
        The level at which each class has lost half of its accuracy: ``layer``, ``split``, ``intervention``, ``side``
        (``down`` or ``up`` from the no-op), ``class``, ``level`` (NaN: it does not fall); may be empty.
    groups
        What the user named, changed together: ``group`` (layers and nodes, joined by commas) and the columns of
        ``table`` but ``layer`` and ``node``; q-values within group, intervention and split; may be empty.
    """

    table: pd.DataFrame
    baseline: Mapping[str, float]
    skipped: Mapping[str, str]
    curves: pd.DataFrame = field(default_factory=pd.DataFrame)
    node_levels: pd.DataFrame = field(default_factory=pd.DataFrame)
    balance: pd.DataFrame = field(default_factory=pd.DataFrame)
    control: pd.DataFrame = field(default_factory=pd.DataFrame)
    tolerance: pd.DataFrame = field(default_factory=pd.DataFrame)
    classes: pd.DataFrame = field(default_factory=pd.DataFrame)
    falls: pd.DataFrame = field(default_factory=pd.DataFrame)
    groups: pd.DataFrame = field(default_factory=pd.DataFrame)


@dataclass(frozen=True)
class RunEffects:
    """What interventions cost over several independently trained networks of one architecture.

    Attributes
    ----------
    table
        Columns: ``layer``, ``intervention``, ``level``, ``split``, ``runs``, ``accuracy`` (mean over runs), ``low``,
        ``high`` (95 % t interval), ``difference`` (mean change to each run's own unperturbed accuracy),
        ``difference_low``, ``difference_high`` (95 % t interval), ``t``, ``p_value`` (paired t-test),
        ``effect_size`` (Cohen's d of paired differences), ``q_value`` (Benjamini-Hochberg within layer,
        intervention and split). NaN where nothing can be said, as where all runs change alike.
    single
        Columns ``run``, ``layer``, ``intervention``, ``level``, ``split``, ``accuracy``, ``difference``.
    networks
        Columns ``run``, ``checkpoint``, ``digest``, ``split``, ``samples``, ``accuracy`` (unperturbed).
    """

    table: pd.DataFrame
    single: pd.DataFrame
    networks: pd.DataFrame


@dataclass(frozen=True)
class Attribution:
    """Captum's view of one layer's nodes beside ours.

    Attributes
    ----------
    conductance
        (N,) mean |layer conductance| of the predicted class's score.
    ablation
        (N,) mean |change| of the same score when the node's output is set to 0, ours.
    captum_ablation
        (N,) the same by Captum's LayerFeatureAblation; NaN where it cannot reach the site.
    rank_correlation, low, high, p_value
        Spearman's rho of conductance and ablation, 95 % bootstrap interval, p.
    samples
        Inputs used.
    """

    conductance: Array
    ablation: Array
    captum_ablation: Array
    rank_correlation: float
    low: float
    high: float
    p_value: float
    samples: int


@dataclass(frozen=True)
class Verdict:
    """What the results say, in plain words.

    Attributes
    ----------
    headline
        One sentence.
    findings
        Sentences with their numbers, most important first.
    alerts
        What the reader must know before trusting the page.
    """

    headline: str
    findings: tuple[str, ...]
    alerts: tuple[str, ...]


@dataclass(frozen=True)
class Results:
    """Everything one run found; per-layer results are keyed by layer name, in network order."""

    model: LoadedModel
    data: Dataset
    fits: Mapping[str, GaussianFit]
    boundaries: Mapping[str, Boundaries]
    prototypes: Mapping[str, Prototypes]
    clusters: Mapping[str, tuple[ClusterMatch, ...]]
    effects: Effects
    attribution: Mapping[str, Attribution]
    verdict: Verdict
    provenance: Provenance
    runs: RunEffects | None = None


@dataclass(frozen=True)
class Figure:
    """One picture of the page.

    Attributes
    ----------
    name
        File stem under ``figures/``.
    caption
        What is seen, in one or two sentences; also the text alternative.
    draw
        Called once to make the matplotlib figure.
    """

    name: str
    caption: str
    draw: Callable[[], Any]


@dataclass(frozen=True)
class Table:
    """One table of the page; `sortable` ones can be ordered by a click on a column."""

    frame: pd.DataFrame
    caption: str
    sortable: bool = False


@dataclass(frozen=True)
class Section:
    """What one part of the page shows."""

    title: str
    text: tuple[str, ...] = ()
    figures: tuple[Figure, ...] = ()
    tables: tuple[Table, ...] = ()
