"""`python -m mien`, the same as the command `mien`."""

from mien.apps.cli.main import main

main()
