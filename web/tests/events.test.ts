/** The page finds the events that the server finds: tests/report/test_events.py reads the same file. */

import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { Frame } from "../src/api/types";
import { eventsOf } from "../src/events";
import { EMOTIONS } from "../src/vision/labels";

interface Shared {
  readonly frames: readonly { time_s: number; faces: readonly { track_id: number; emotions: number[] }[] }[];
  readonly events: unknown;
}

const shared: Shared = JSON.parse(readFileSync(new URL("events.json", import.meta.url), "utf8"));

function framesOf(): Frame[] {
  return shared.frames.map(({ time_s, faces }, index) => ({
    index,
    time_s,
    faces: faces.map(
      ({ track_id, emotions }) =>
        ({
          track_id,
          emotions: Object.fromEntries(EMOTIONS.map((name, k) => [name, emotions[k]])),
        }) as Frame["faces"][number],
    ),
  }));
}

describe("events", () => {
  it("are those of the server", () => {
    expect(eventsOf(framesOf())).toEqual(shared.events);
  });

  it("belong to faces that have an id", () => {
    const frames = framesOf().map((frame) => ({
      ...frame,
      faces: frame.faces.map((face) => ({ ...face, track_id: null })),
    }));
    expect(eventsOf(frames)).toEqual([]);
  });
});
