import shutil

import pytest
from typer.testing import CliRunner

pytest.importorskip("sklearn")

from mien.core.errors import OutputError
from mien_lab.cli import app


def run(*arguments):
    command = ["evaluate", "--resamples", "20", *map(str, arguments)]
    CliRunner().invoke(app, command, catch_exceptions=False)


def test_files_are_written_though_nobody_reads_the_screen(tmp_path, monkeypatch, portrait_file):
    shutil.copyfile(portrait_file, tmp_path / "a.jpg")
    (tmp_path / "manifest.csv").write_text("image,label\na.jpg,happiness\n")

    def closed(*_):
        raise BrokenPipeError

    monkeypatch.setattr("mien_lab.evaluation_commands.write_figures", closed)
    page, table = tmp_path / "page.html", tmp_path / "table.csv"
    with pytest.raises(BrokenPipeError):
        run("--data", tmp_path, "--report", page, "--predictions", table)
    assert page.read_text().endswith("</html>\n")
    assert len(table.read_text().splitlines()) == 2


def test_files_that_cannot_be_written_are_refused_before_anything_is_measured(tmp_path):
    with pytest.raises(OutputError, match="there is no folder"):
        run("--data", tmp_path, "--report", tmp_path / "nowhere" / "page.html")
    for option in ("--report", "--predictions"):
        with pytest.raises(OutputError, match="does not mean stdout"):
            run("--data", tmp_path, option, "-")
