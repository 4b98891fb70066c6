"""Loopback load on a running server: live viewers at a steady rate; delays and memory reported.

Usage: python web/e2e/load.py PORT [--viewers 8] [--rate 10] [--seconds 300] [--pid PID]
       [--growth 32]

Writes one JSON document; ends with 1 if a viewer was refused or got a problem, if a picture was
not answered, or if the server's memory has grown by more than --growth MB since the first minute.
"""

import argparse
import asyncio
import io
import json
import sys
import time
from pathlib import Path

import numpy as np
from PIL import Image
from skimage import data
from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException

EVERY_S = 30.0
"""How often memory is noted."""


async def main() -> int:
    """Run the viewers and write a summary as JSON; 1 if something was wrong."""
    parser = argparse.ArgumentParser()
    parser.add_argument("port", type=int)
    parser.add_argument("--viewers", type=int, default=8)
    parser.add_argument("--rate", type=float, default=10.0)
    parser.add_argument("--seconds", type=float, default=300.0)
    parser.add_argument("--pid", type=int)
    parser.add_argument("--growth", type=float, default=32.0, help="MB since the first minute")
    options = parser.parse_args()
    frame = picture()
    memory: list[float | None] = [resident(options.pid)]
    viewers = [
        viewer(options.port, frame, options.rate, options.seconds) for _ in range(options.viewers)
    ]
    watching = asyncio.create_task(watch(options.pid, memory))
    found = await asyncio.gather(*viewers)
    watching.cancel()
    memory.append(resident(options.pid))
    summary = summarise(found, memory)
    summary["faults"] = faults(summary, options.growth, options.pid is not None)
    sys.stdout.write(json.dumps(summary, indent=2) + "\n")
    return 1 if summary["faults"] else 0


def summarise(found: list[dict[str, object]], memory: list[float | None]) -> dict[str, object]:
    """The counts and delays of all viewers; memory in MB at each half minute and at the end."""
    delays = np.concatenate([one["delays"] for one in found])
    sent = sum(one["sent"] for one in found)
    replaced = sum(one["dropped"] for one in found)
    problems = sum(one["problems"] for one in found)
    return {
        "viewers": len(found),
        "sent": sent,
        "readings": len(delays),
        "replaced": replaced,
        "lost": max(sent - len(delays) - replaced - problems, 0),
        "problems": problems,
        "broken": [one["broken"] for one in found if one["broken"]],
        "readings_per_viewer": [len(one["delays"]) for one in found],
        "delay_ms": {
            f"p{p}": round(float(np.percentile(delays, p)), 1) if len(delays) else None
            for p in (50, 95, 99)
        },
        "memory_mb": memory,
    }


def faults(summary: dict[str, object], growth: float, watched: bool) -> list[str]:
    """What is wrong with a run, in words."""
    named = {
        "problems": "pictures were answered with a problem",
        "replaced": "pictures were refused for a newer one",
        "lost": "pictures were not answered",
    }
    found = [f"{summary[name]} {words}" for name, words in named.items() if summary[name]]
    found += [f"a viewer was broken off: {one}" for one in summary["broken"]]
    memory = summary["memory_mb"]
    # A minute in, all that is made once has been made; a short run has its start alone.
    first = memory[min(round(60 / EVERY_S), len(memory) - 2)]
    if watched and None in (first, memory[-1]):
        found.append("the server's memory is not known; is its --pid right, and does it live?")
    elif watched and memory[-1] - first > growth:
        found.append(f"memory grew from {first} to {memory[-1]} MB, by more than {growth:g}")
    return found


async def viewer(port: int, frame: bytes, rate: float, seconds: float) -> dict[str, object]:
    """One viewer: sends at its rate whatever comes back, and measures from sending to reading."""
    sent: list[float] = []
    delays: list[float] = []
    problems = dropped = 0
    broken = ""

    async def listen() -> None:
        nonlocal problems, dropped
        async for text in socket:
            answer = json.loads(text)
            if answer["kind"] == "reading":
                delays.append((time.monotonic() - sent[answer["sequence"]]) * 1000)
                dropped = answer["dropped"]
            else:
                problems += 1

    try:
        async with connect(f"ws://127.0.0.1:{port}/api/v1/live") as socket:
            listening = asyncio.create_task(listen())
            end = time.monotonic() + seconds
            while (now := time.monotonic()) < end:
                sent.append(now)
                await socket.send(frame)
                await asyncio.sleep(1 / rate)
            await asyncio.sleep(1)
            if listening.done():
                broken = "the server closed the connection"
            listening.cancel()
    except (OSError, WebSocketException) as error:
        broken = str(error)
    return {
        "sent": len(sent),
        "delays": np.array(delays),
        "problems": problems,
        "dropped": dropped,
        "broken": broken,
    }


def picture() -> bytes:
    """A frame of 640x480 with one face."""
    file = io.BytesIO()
    portrait = Image.fromarray(data.astronaut()).crop((0, 0, 512, 384)).resize((640, 480))
    portrait.save(file, "JPEG", quality=85)
    return file.getvalue()


async def watch(pid: int | None, memory: list[float | None]) -> None:
    """Note the server's memory at each half minute."""
    while True:
        await asyncio.sleep(EVERY_S)
        memory.append(resident(pid))


def resident(pid: int | None) -> float | None:
    """Megabytes that a process holds; None where that is not known."""
    status = Path(f"/proc/{pid}/status")
    if pid is None or not status.exists():
        return None
    lines = [line for line in status.read_text().splitlines() if line.startswith("VmRSS")]
    return round(int(lines[0].split()[1]) / 1024, 1) if lines else None


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
