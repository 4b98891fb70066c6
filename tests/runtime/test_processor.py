import platform

import pytest

from mien.runtime.processor import describe_processor


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "processor\t: 0\nmodel name\t: AMD EPYC\nflags\t\t: fpu sse2 avx2\n\nprocessor\t: 1\n"
            "model name\t: AMD EPYC\nflags\t\t: fpu sse2 avx2\n",
            "AMD EPYC (AVX2)",
        ),
        (
            "model name\t: Intel(R) Xeon(R)\nflags\t: avx2 avx512f avx_vnni avx512_vnni amx_int8\n",
            "Intel(R) Xeon(R) (AVX2, AVX-512, VNNI, AMX)",
        ),
        ("model name\t: old one\nflags\t: fpu\n", "old one"),
    ],
)
def test_name_and_instruction_sets(tmp_path, text, expected):
    (tmp_path / "cpuinfo").write_text(text)
    assert describe_processor(tmp_path / "cpuinfo") == expected


def test_boards_give_no_name_but_what_they_can(tmp_path, monkeypatch):
    monkeypatch.setattr(platform, "processor", lambda: "")
    monkeypatch.setattr(platform, "machine", lambda: "aarch64")
    (tmp_path / "cpuinfo").write_text("processor\t: 0\nFeatures\t: fp asimd asimddp\n")
    assert describe_processor(tmp_path / "cpuinfo") == "aarch64 (NEON, dot product)"


def test_where_the_kernel_does_not_tell_the_name_is_enough(tmp_path, monkeypatch):
    monkeypatch.setattr(platform, "processor", lambda: "arm")
    assert describe_processor(tmp_path / "missing") == "arm"
