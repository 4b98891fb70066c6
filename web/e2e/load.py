"""Loopback load on a running server: live viewers at a steady rate; delays and memory reported.

Usage: python web/e2e/load.py PORT [--viewers 8] [--rate 10] [--seconds 300] [--pid PID]
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


async def main() -> None:
    """Run the viewers and write a summary as JSON."""
    parser = argparse.ArgumentParser()
    parser.add_argument("port", type=int)
    parser.add_argument("--viewers", type=int, default=8)
    parser.add_argument("--rate", type=float, default=10.0)
    parser.add_argument("--seconds", type=float, default=300.0)
    parser.add_argument("--pid", type=int)
    options = parser.parse_args()
    frame = picture()
    memory = [resident(options.pid)]
    viewers = [
        viewer(options.port, frame, options.rate, options.seconds) for _ in range(options.viewers)
    ]
    watching = asyncio.create_task(watch(options.pid, memory))
    found = await asyncio.gather(*viewers)
    watching.cancel()
    delays = np.concatenate([one["delays"] for one in found])
    summary = {
        "viewers": options.viewers,
        "frames_sent": sum(one["sent"] for one in found),
        "readings": len(delays),
        "readings_per_viewer": [len(one["delays"]) for one in found],
        "errors": sum(one["errors"] for one in found),
        "delay_ms": {f"p{p}": round(float(np.percentile(delays, p)), 1) for p in (50, 95, 99)},
        "memory_mb": {"first": memory[0], "most": max(memory), "last": memory[-1]},
    }
    sys.stdout.write(json.dumps(summary, indent=2) + "\n")


async def viewer(port: int, frame: bytes, rate: float, seconds: float) -> dict[str, object]:
    """One viewer: sends at its rate whatever comes back, and measures from sending to reading."""
    sent: list[float] = []
    delays: list[float] = []
    errors = 0

    async def listen() -> None:
        nonlocal errors
        async for text in socket:
            answer = json.loads(text)
            if answer["kind"] == "reading":
                delays.append((time.monotonic() - sent[answer["sequence"]]) * 1000)
            else:
                errors += 1

    async with connect(f"ws://127.0.0.1:{port}/api/v1/live") as socket:
        listening = asyncio.create_task(listen())
        end = time.monotonic() + seconds
        while (now := time.monotonic()) < end:
            sent.append(now)
            await socket.send(frame)
            await asyncio.sleep(1 / rate)
        await asyncio.sleep(1)
        errors += listening.done()
        listening.cancel()
    return {"sent": len(sent), "delays": np.array(delays), "errors": errors}


def picture() -> bytes:
    """A frame of 640x480 with one face."""
    file = io.BytesIO()
    portrait = Image.fromarray(data.astronaut()).crop((0, 0, 512, 384)).resize((640, 480))
    portrait.save(file, "JPEG", quality=85)
    return file.getvalue()


async def watch(pid: int | None, memory: list[float]) -> None:
    """Note the server's memory every second."""
    while True:
        await asyncio.sleep(1)
        memory.append(resident(pid))


def resident(pid: int | None) -> float:
    """Megabytes that a process holds; 0 where that is not known."""
    status = Path(f"/proc/{pid}/status")
    if pid is None or not status.exists():
        return 0.0
    line = next(line for line in status.read_text().splitlines() if line.startswith("VmRSS"))
    return round(int(line.split()[1]) / 1024, 1)


if __name__ == "__main__":
    asyncio.run(main())
