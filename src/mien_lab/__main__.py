"""The entry point of `mien-lab`, which imports the lab only once it can say what is missing."""

import sys

__all__ = ["main"]


def main() -> None:
    """Run the command line; a library that is not installed is named in one sentence."""
    try:
        from mien_lab.cli import main as run

        run()
    except ModuleNotFoundError as error:
        package = (error.name or "mien").partition(".")[0]
        if package in ("mien", "mien_lab"):
            raise
        sys.exit(
            f"mien-lab: this command needs {package}, which is not installed; "
            "run pip install '.[lab]' in the folder of mien's source"
        )


if __name__ == "__main__":
    main()
