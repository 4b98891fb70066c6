"""The folder of a training run: configuration, learning curve, last checkpoint."""

import dataclasses
import json
import logging
import pickle
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import nn

from mien.core.errors import InputError, OutputError
from mien.report.files import write_text

__all__ = [
    "Progress",
    "Run",
    "averaged",
    "read_checkpoint",
    "read_config",
]

log = logging.getLogger(__name__)

Net = TypeVar("Net", bound=nn.Module)

FREE = frozenset(
    {"workers", "threads", "compile", "data_dir", "faces_dir", "fer_dir", "recordings"}
)
"""Configuration fields that may change when a run is resumed: folders of data, and parallelism."""


class Run:
    """The folder of a training run.

    It holds `config.json`, `curve.jsonl` (one line per epoch) and `last.pt`. A folder with a
    checkpoint can only be opened with `resume` and the same configuration, so that no run is
    overwritten or continued differently.
    """

    def __init__(self, folder: Path, config: Any, *, resume: bool) -> None:
        """Open or create the folder of a run.

        Args:
            folder: the folder.
            config: a dataclass instance.
            resume: whether to continue from a checkpoint.

        Raises:
            OutputError: if the folder holds a checkpoint and `resume` is false.
            InputError: if the run was started with another configuration.
        """
        self.folder = folder
        self.checkpoint_file = folder / "last.pt"
        if self.checkpoint_file.exists() and not resume:
            raise OutputError(f"{folder} holds a run; pass --resume or choose another folder")
        folder.mkdir(parents=True, exist_ok=True)
        now = _plain(config)
        place = folder / "config.json"
        if self.checkpoint_file.exists() and place.exists():
            # Options added since the run was started have their defaults.
            before = _flat(_plain(_by_default(config))) | _flat(read_config(folder))
            _refuse_changes(folder, before, _flat(now))
        # Atomic, since other processes of this run may be reading it.
        write_text(place, json.dumps(now, indent=2) + "\n")

    def load(self) -> dict[str, Any]:
        """The last checkpoint; empty for a new run."""
        if not self.checkpoint_file.exists():
            return {}
        return read_checkpoint(self.checkpoint_file)

    def save(self, state: dict[str, Any], figures: dict[str, Any]) -> None:
        """Write a checkpoint atomically, then append the figures to the curve."""
        draft = self.checkpoint_file.with_suffix(".part")
        torch.save(state, draft)
        draft.replace(self.checkpoint_file)
        with (self.folder / "curve.jsonl").open("a") as stream:
            stream.write(json.dumps(figures) + "\n")

    def keep(self, state: dict[str, Any], figures: dict[str, Any]) -> None:
        """Save the checkpoint of epoch `figures["epoch"]`, and log the figures."""
        self.save(state | {"epoch": figures["epoch"]}, figures)
        log.info("%s", {name: round(value, 5) for name, value in figures.items()})


def read_checkpoint(path: Path) -> dict[str, Any]:
    """Read a file written by `Run.save`, with tensors on the CPU.

    Raises:
        InputError: if the file is missing, damaged or not a checkpoint.
    """
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except (FileNotFoundError, NotADirectoryError):
        raise InputError(f"{path} is missing; name a run that has finished an epoch") from None
    except (RuntimeError, EOFError, pickle.UnpicklingError):
        state = None
    if not isinstance(state, dict):
        raise InputError(
            f"{path} is not a checkpoint, or only a part of one; copy it again, or train anew"
        )
    return state


def read_config(folder: Path) -> dict[str, Any]:
    """The configuration in the folder of a run, as plain values.

    Raises:
        InputError: if the folder holds no run, or its configuration is damaged.
    """
    path = folder / "config.json"
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        raise InputError(
            f"{folder} holds no run, since it has no {path.name}; check the path"
        ) from None
    except ValueError:
        config = None
    if not isinstance(config, dict):
        raise InputError(f"{path} is not the configuration of a run; copy it again, or train anew")
    return config


def _plain(config: Any) -> dict[str, Any]:
    """A configuration as plain values, as read from its file."""
    values: dict[str, Any] = json.loads(json.dumps(dataclasses.asdict(config), default=str))
    return values


def _flat(config: dict[str, Any]) -> dict[str, Any]:
    """Plain values with those of parts of the configuration by names such as part.field."""
    flat: dict[str, Any] = {}
    for name, value in config.items():
        if isinstance(value, dict):
            flat |= {f"{name}.{field}": inner for field, inner in value.items()}
        else:
            flat[name] = value
    return flat


def _by_default(config: Any) -> Any:
    """The configuration with every field that has a default set to it."""
    defaults: dict[str, Any] = {}
    for field in dataclasses.fields(config):
        if field.default is not dataclasses.MISSING:
            defaults[field.name] = field.default
        elif field.default_factory is not dataclasses.MISSING:
            defaults[field.name] = field.default_factory()
    return dataclasses.replace(config, **defaults)


def _refuse_changes(folder: Path, before: dict[str, Any], now: dict[str, Any]) -> None:
    changed = sorted(
        name
        for name in now
        if before[name] != now[name]
        # Data may be in another folder, but may not be added or removed.
        and (name not in FREE or None in (before[name], now[name]))
    )
    if changed:
        was = ", ".join(f"{name} {before[name]}" for name in changed)
        raise InputError(
            f"{folder} was begun with {was}; resume with the same options or choose another folder"
        )


def averaged(net: Net, checkpoints: Sequence[Path]) -> Net:
    """Load the averaged weights of a run, or the mean of those of several runs, into a network.

    Raises:
        InputError: if a file is missing, or not a checkpoint of such a network.
    """
    states = [_averaged_weights(net, file) for file in checkpoints]
    mean = {name: torch.stack([state[name] for state in states]) for name in states[0]}
    net.load_state_dict(
        {name: (v.mean(dim=0) if v.is_floating_point() else v[0]) for name, v in mean.items()}
    )
    return net


def _averaged_weights(net: nn.Module, file: Path) -> dict[str, Any]:
    weights: dict[str, Any] = read_checkpoint(file).get("average", {})
    try:
        net.load_state_dict(weights)
    except (RuntimeError, TypeError):
        kind = type(net).__name__
        raise InputError(f"{file} is not a checkpoint of a {kind}; check the path") from None
    return weights


class Progress:
    """Logs progress and remaining time, at most once a minute."""

    def __init__(self, total: int, done: int = 0) -> None:
        """Start with `done` of `total` steps finished, which is not 0 for a resumed run."""
        self.total, self.done, self.first = total, done, done
        self.start = self.last = time.monotonic()

    def step(self, text: str) -> None:
        """Count one step; `text` is appended to the log message."""
        self.done += 1
        now = time.monotonic()
        if now - self.last >= 60.0:
            left = (now - self.start) / (self.done - self.first) * (self.total - self.done)
            log.info("%5.1f %%  ETA %.0f min  %s", 100 * self.done / self.total, left / 60, text)
            self.last = now
