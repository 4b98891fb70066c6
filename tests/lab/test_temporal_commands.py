import pytest
from typer.testing import CliRunner

from mien_lab import cli


@pytest.mark.parametrize(
    "arguments",
    [("train", "--clips", "0"), ("train", "--rate", "nan"), ("evaluate", "--clips", "1")],
)
def test_temporal_options_that_make_no_sense(arguments):
    command, *options = arguments
    done = CliRunner().invoke(cli.app, ["temporal", command, "--data", "x", "--run", "y", *options])
    assert done.exit_code == 2
