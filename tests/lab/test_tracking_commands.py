from typer.testing import CliRunner

from mien_lab import cli


def test_as_many_scenes_as_none_are_refused(tmp_path):
    done = CliRunner().invoke(
        cli.app, ["tracking", "evaluate", "--data", str(tmp_path), "--scenes", "0"]
    )
    assert done.exit_code == 2
