import pytest

from mien_lab.evaluation.markdown import met, plain, share, table


def test_a_table_has_a_line_below_its_head():
    assert table([["", "n"], ["a", "1"], ["b", "2"]]) == (
        "|  | n |\n|---|---|\n| a | 1 |\n| b | 2 |"
    )


@pytest.mark.parametrize(
    ("said", "text"),
    [
        (share(0.70449), "70.4 %"),
        (share(1, bold=True), "**100.0 %**"),
        (plain(1.006), "1.01"),
        (met(True), "reached"),
        (met(False), "**missed**"),
    ],
)
def test_figures_are_written_as_documents_have_them(said, text):
    assert said == text
