"""`mien info`: installed models, runtime and processor."""

import os
import platform
from typing import Annotated, Any

import typer
from rich.table import Table

from mien import __version__
from mien.apps.cli.console import print_json, screen
from mien.pipeline.build import DEFAULT_PRECISION
from mien.runtime.artifact import load_artifact, shipped_cards
from mien.runtime.processor import describe_processor
from mien.runtime.session import PROVIDERS, runtime_version

__all__ = ["info"]


def info(
    as_json: Annotated[bool, typer.Option("--json", help="As JSON instead of a table.")] = False,
) -> None:
    """Show version, models with verified checksums, providers and threads."""
    facts = _facts()
    if as_json:
        print_json(facts)
        return
    table = Table(title=f"mien {facts['version']}", title_justify="left", box=None)
    for column in ("model", "precision", "version", "file", "kB", "sha256"):
        table.add_column(column, justify="right" if column == "kB" else "left")
    for model in facts["models"]:
        table.add_row(
            model["name"] + (" *" if model["default"] else ""),
            model["precision"],
            model["version"],
            model["file"],
            f"{model['bytes'] / 1e3:.0f}",
            model["sha256"][:16],
        )
    screen().print(table)
    screen().print("* used unless --precision says otherwise; all checksums verified")
    for name in ("python", "onnxruntime", "providers", "processor", "threads"):
        value = facts[name]
        screen().print(f"{name}: {', '.join(value) if isinstance(value, list) else value}")


def _facts() -> dict[str, Any]:
    models = []
    for card in shipped_cards():
        data = load_artifact(card.name, card.precision).data
        models.append(
            {
                "name": card.name,
                "precision": card.precision,
                "version": card.version,
                "file": card.file,
                "bytes": len(data),
                "sha256": card.sha256,
                "default": card.name != "expression" or card.precision == DEFAULT_PRECISION,
            }
        )
    return {
        "version": __version__,
        "models": models,
        "python": platform.python_version(),
        "onnxruntime": runtime_version(),
        "providers": list(PROVIDERS),
        "processor": describe_processor(),
        "threads": os.cpu_count() or 1,
    }
