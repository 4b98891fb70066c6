"""Inference sessions; the only module that imports onnxruntime."""

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
"""Execution providers, regardless of what this onnxruntime offers: the same everywhere, local."""


class Session:
    """A network that is ready to run; thread-safe.

    Attributes:
        card: model card of the weights.
    """

    def __init__(self, card: Card, session: Any) -> None:
        self.card = card
        self._session = session
        self._outputs = [output.name for output in session.get_outputs()]

    def run(self, inputs: Mapping[str, npt.NDArray[Any]]) -> dict[str, npt.NDArray[Any]]:
        """Run the network once.

        Args:
            inputs: arrays by input name.

        Returns:
            Arrays by output name.

        Raises:
            MemoryError: if memory does not suffice.
        """
        try:
            values = self._session.run(None, dict(inputs))
        except Exception as error:
            # onnxruntime has no exception class for this.
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
    """Load and verify weights, and create a session for them.

    Args:
        name: name of the weights in their card.
        precision: "fp32" or "int8".
        threads: number of threads per call; all cores if None.
        folder: folder with weights and cards; the shipped ones if None.

    Raises:
        ArtifactError: if the weights are missing, altered or not supported by onnxruntime.
        InputError: if threads is not positive.
    """
    if threads is not None and threads < 1:
        raise InputError(f"threads must be 1 or more, not {threads}")
    artifact = load_artifact(name, precision, folder)
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads or 0
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    # Otherwise idle threads spin and take cores from decoding and from other sessions.
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
    """Version of onnxruntime."""
    return str(ort.__version__)
