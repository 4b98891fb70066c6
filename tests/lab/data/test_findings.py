import pytest

from mien.core.errors import InputError
from mien_lab.data.findings import Finding, Reason, parse_reason, read_findings, write_findings


def test_findings_are_read_again(tmp_path):
    findings = [Finding('odd, "name"', Reason.LEAK, "of b in test: x"), Finding("é", "blank", "y")]
    write_findings(tmp_path / "f.csv", findings)
    assert (tmp_path / "f.csv").read_text("utf-8").startswith("name,reason,detail\n")
    assert read_findings(tmp_path / "f.csv") == findings
    with pytest.raises(InputError, match="no finding 'ugly'; choose one of: unreadable, no label"):
        parse_reason("ugly")
