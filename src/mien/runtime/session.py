"""Inference sessions: the only place that knows onnxruntime."""

import os
import re
from collections.abc import Mapping
from typing import Any

import numpy.typing as npt
import onnxruntime as ort

from mien.core.errors import ArtifactError, InputError
from mien.runtime.artifact import Card, load_artifact

__all__ = ["PROVIDERS", "Session", "open_session", "runtime_version"]

PROVIDERS = ("CPUExecutionProvider",)
"""What networks run on, whatever else this onnxruntime has: the same everywhere, nothing remote."""


class Session:
    """A network ready to run; safe to call from several threads.

    Attributes:
        card: the card of its weights.
    """

    def __init__(self, card: Card, session: Any) -> None:
        self.card = card
        self._session = session
        self._outputs = [output.name for output in session.get_outputs()]

    def run(self, inputs: Mapping[str, npt.NDArray[Any]]) -> dict[str, npt.NDArray[Any]]:
        """Run once; arrays by name in, arrays by name out.

        Raises:
            MemoryError: if there is too little.
        """
        try:
            values = self._session.run(None, dict(inputs))
        except Exception as error:
            # onnxruntime has no class of its own for it.
            if re.search("allocate memory|bad_alloc", str(error)):
                raise MemoryError(str(error)) from error
            raise
        return dict(zip(self._outputs, values, strict=True))


def open_session(
    name: str,
    *,
    precision: str = "fp32",
    threads: int | None = None,
    folder: str | os.PathLike[str] | None = None,
) -> Session:
    """Load, verify and prepare shipped weights, or those of another folder.

    Args:
        name: of the weights, as their card has it.
        precision: "fp32" or "int8".
        threads: of one call; all cores if None.
        folder: where weights and cards lie, if not in the package.

    Raises:
        ArtifactError: if the weights are missing, altered or cannot be run here.
        InputError: if threads is not positive.
    """
    if threads is not None and threads < 1:
        raise InputError(f"threads must be 1 or more, not {threads}")
    artifact = load_artifact(name, precision, folder)
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads or 0
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    # Waiting threads would otherwise spin and take cores from decoding and from other sessions.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        session = ort.InferenceSession(artifact.data, options, providers=PROVIDERS)
    except Exception as error:
        raise ArtifactError(
            f"onnxruntime {ort.__version__} cannot run {artifact.card.file} ({error}); "
            "update onnxruntime or mien"
        ) from error
    return Session(artifact.card, session)


def runtime_version() -> str:
    """The version of onnxruntime."""
    return str(ort.__version__)
