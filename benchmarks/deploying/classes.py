"""Classes of packages whose files hold weights alone: what `--model` is given."""

from __future__ import annotations

import importlib.machinery
import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType

import torch
from torch import nn

from deploying import further


def name_packages(folder: Path) -> None:
    """Name the packages in a folder, so that their classes can be imported, but not what is imported with them."""
    for name, values in (KNOWN | further.KNOWN).items():
        package = name.partition(".")[0]
        own = FOLDERS.get(package, package.replace("_", "-"))
        _bare(name, folder.joinpath(own, name.replace(".", "/")), **values)


def _bare(name: str, folder: Path, **values: object) -> None:
    """Name a package, or stand in for a module, without running what it imports beside the class."""
    module = ModuleType(name)
    module.__path__ = [str(folder)]
    module.__spec__ = importlib.machinery.ModuleSpec(name, None, is_package=True)
    vars(module).update(values)
    sys.modules[name] = module


def _facenet(kind: str) -> nn.Module:
    mtcnn = import_module("facenet_pytorch.models.mtcnn")
    base = getattr(mtcnn, kind)

    class Rows(base):
        """The package's class, whose maps are one row a sample."""

        def forward(self, x):
            return tuple(one.flatten(1) for one in super().forward(x))

    return Rows(pretrained=False)


def onet() -> nn.Module:
    """Build facenet-pytorch's third network."""
    return _facenet("ONet")


def rnet() -> nn.Module:
    """Build facenet-pytorch's second network."""
    return _facenet("RNet")


def pnet() -> nn.Module:
    """Build facenet-pytorch's first network."""
    return _facenet("PNet")


def _crepe(size: str) -> nn.Module:
    crepe: nn.Module = import_module("torchcrepe.model").Crepe(size)
    return crepe


def crepe_full() -> nn.Module:
    """Build torchcrepe's large network."""
    return _crepe("full")


def crepe_tiny() -> nn.Module:
    """Build torchcrepe's small network."""
    return _crepe("tiny")


class Silero(nn.Module):
    """What silero-vad's ``tinygrad_model.py`` states, in torch: one stretch of sound, from an empty state."""

    def __init__(self):
        super().__init__()
        self.stft_conv = nn.Conv1d(1, 258, 256, stride=128, bias=False)
        self.conv1, self.conv2 = nn.Conv1d(129, 128, 3, padding=1), nn.Conv1d(128, 64, 3, 2, padding=1)
        self.conv3, self.conv4 = nn.Conv1d(64, 64, 3, 2, padding=1), nn.Conv1d(64, 128, 3, padding=1)
        self.lstm_cell, self.final_conv = nn.LSTMCell(128, 128), nn.Conv1d(128, 1, 1)

    def forward(self, x):
        """Give the probability of speech in each sample (B, 576)."""
        waves = self.stft_conv(nn.functional.pad(x[:, None], (0, 64), "reflect"))
        x = torch.sqrt(waves[:, :129] ** 2 + waves[:, 129:] ** 2)
        for part in (self.conv1, self.conv2, self.conv3, self.conv4):
            x = torch.relu(part(x))
        h, _ = self.lstm_cell(x.squeeze(-1))
        return torch.sigmoid(self.final_conv(torch.relu(h)[..., None])).squeeze(1).mean(1, keepdim=True)


def silero() -> nn.Module:
    """Build silero-vad's network."""
    return Silero()


class SileroProgram(nn.Module):
    """The same network under the names of silero-vad's TorchScript program, whose code is not followed."""

    def __init__(self):
        super().__init__()
        self.stft = nn.Module()
        self.stft.register_buffer("forward_basis_buffer", torch.zeros(258, 1, 256))
        sizes = ((129, 128, 1), (128, 64, 2), (64, 64, 2), (64, 128, 1))
        self.encoder = nn.ModuleList(nn.Module() for _ in sizes)
        for part, (channels, nodes, stride) in zip(self.encoder, sizes, strict=True):
            part.reparam_conv = nn.Conv1d(channels, nodes, 3, stride, padding=1)
        self.decoder = nn.Module()
        self.decoder.rnn = nn.LSTMCell(128, 128)
        self.decoder.decoder = nn.Sequential(nn.Identity(), nn.ReLU(), nn.Conv1d(128, 1, 1), nn.Sigmoid())

    def forward(self, x):
        """Give the probability of speech in each sample (B, 576)."""
        padded = nn.functional.pad(x[:, None], (0, 64), "reflect")
        waves = nn.functional.conv1d(padded, self.stft.forward_basis_buffer, stride=128)
        x = torch.sqrt(waves[:, :129] ** 2 + waves[:, 129:] ** 2)
        for part in self.encoder:
            x = torch.relu(part.reparam_conv(x))
        h, _ = self.decoder.rnn(x.squeeze(-1))
        return self.decoder.decoder(h[..., None]).squeeze(1).mean(1, keepdim=True)


def silero_program() -> nn.Module:
    """Build the network of silero-vad's TorchScript program."""
    return SileroProgram()


class _Anything:
    """Stands in for what a module imports and its class does not need."""


KNOWN: dict[str, dict[str, object]] = {
    "facenet_pytorch": {},
    "facenet_pytorch.models": {},
    "torchcrepe": {"PITCH_BINS": 360},
    "resemblyzer": {},
    "resemblyzer.audio": {},
    "attacut": {},
    "attacut.dataloaders": {"CharacterSeqDataset": _Anything, "SyllableCharacterSeqDataset": _Anything},
    "attacut.utils": {"parse_model_params": lambda said: _numbers(said)},
    "pesto": {},
    "pesto.utils": {"CropCQT": _Anything, "reduce_activations": _Anything},
    "mne_icalabel": {},
    "mne_icalabel.iclabel": {},
    "mne_icalabel.iclabel.network": {},
}
"""Package or module -> values that its classes read of it."""


FOLDERS = {"pesto": "pesto-pitch"}
"""Package that is distributed under another name -> that name."""


def _numbers(said: str) -> dict[str, float]:
    """Read settings as attacut writes them, ``emb:48|do:0.1``."""
    return {name: float(one) if "." in one else int(one) for name, one in (own.split(":") for own in said.split("|"))}


def resemblyzer() -> nn.Module:
    """Build resemblyzer's encoder of voices (B, steps, 40)."""
    base = import_module("resemblyzer.voice_encoder").VoiceEncoder

    class Encoder(base):
        """The package's class, which reads its weights when it is made; here they come later, all of the file."""

        def __init__(self) -> None:
            nn.Module.__init__(self)
            self.similarity_weight, self.similarity_bias = (nn.Parameter(torch.zeros(1)) for _ in range(2))
            self.lstm, self.linear, self.relu = nn.LSTM(40, 256, 3, batch_first=True), nn.Linear(256, 256), nn.ReLU()

    return Encoder()


def _attacut(module: str, sizes: dict[str, int], settings: str, rows: int) -> nn.Module:
    base = import_module(f"attacut.models.{module}").Model

    class Rows(base):
        """The package's class, with characters (and syllables) of one sample in one row, and its outputs too."""

        def forward(self, tokens):
            tokens = tokens.long()
            own = tokens if rows == 1 else tokens.reshape(len(tokens), rows, -1)
            return super().forward((own, None)).reshape(len(tokens), -1)

    return Rows(sizes, settings)


def attacut_c() -> nn.Module:
    """Build attacut's network of characters."""
    return _attacut("seq_ch_conv", {"num_tokens": 139}, "emb:48|conv:196|l1:32", 1)


def attacut_sc() -> nn.Module:
    """Build attacut's network of characters and syllables."""
    sizes = {"num_char_tokens": 139, "num_tokens": 6227}
    return _attacut("seq_sy_ch_conv_concat", sizes, "embc:32|embs:16|conv:64|l1:32|do:0.0", 2)


def _pesto(**settings: int) -> nn.Module:
    encoder: nn.Module = import_module("pesto.model").Resnet1d(
        n_chan_layers=[40, 30, 30, 10, 3], residual=True, output_dim=384, **settings
    )
    return encoder


def pesto() -> nn.Module:
    """Build the encoder of pesto-pitch's first file, of spectra (B, 1, 264)."""
    return _pesto(n_prefilt_layers=2, n_bins_in=264)


def pesto_g7() -> nn.Module:
    """Build the encoder of pesto-pitch's second file, of spectra (B, 1, 219)."""
    return _pesto(n_prefilt_layers=3, prefilt_kernel_size=39, n_bins_in=219)


class _FormsFirst(nn.Module):
    """Puts rows (B * 4, ...) of samples in four forms in the order of the forms."""

    def forward(self, values):
        """Turn rows."""
        return values.unflatten(0, (-1, 4)).transpose(0, 1).flatten(0, 1)


def iclabel() -> nn.Module:
    """Build mne-icalabel's network; a sample is a component in its four mirrored forms (B, 4, ...)."""
    base = import_module("mne_icalabel.iclabel.network.torch").ICLabelNet

    class Samples(base):
        """The package's class, which takes the mean of rows that come form after form; here they come by samples."""

        def __init__(self) -> None:
            super().__init__()
            self.seq.append(_FormsFirst())

        def forward(self, topo, psds, autocorr):
            return super().forward(*(one.flatten(0, 1) for one in (topo, psds, autocorr)))

    return Samples()
