"""Name of the processor, to be reported with measured times."""

import platform
from pathlib import Path

__all__ = ["describe_processor"]

SETS = {
    "avx2": "AVX2",
    "avx512f": "AVX-512",
    "avx_vnni": "VNNI",
    "avx512_vnni": "VNNI",
    "amx_int8": "AMX",
    "asimd": "NEON",
    "asimddp": "dot product",
    "i8mm": "I8MM",
}
"""Instruction sets that decide the speed of inference, above all in int8, by their Linux flag."""


def describe_processor(source: Path = Path("/proc/cpuinfo")) -> str:
    """Name of the processor and, on Linux, its instruction sets: "AMD EPYC (AVX2)".

    Args:
        source: the kernel's description of the processor; need not exist.
    """
    name = platform.processor() or platform.machine() or "unknown processor"
    try:
        lines = source.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return name
    facts = {
        key.strip(): value.strip() for key, _, value in (line.partition(":") for line in lines)
    }
    flags = set((facts.get("flags") or facts.get("Features") or "").split())
    found = dict.fromkeys(title for flag, title in SETS.items() if flag in flags)
    name = facts.get("model name") or name
    return f"{name} ({', '.join(found)})" if found else name
