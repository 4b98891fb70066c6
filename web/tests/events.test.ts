/** The page finds the same events as the server: tests/report/test_events.py reads the same file. */

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
  it("equal those of the server", () => {
    expect(eventsOf(framesOf())).toEqual(shared.events);
  });

  it.each([
    ["", [0, 1, 2, 3, 4]],
    [", with one short step", [0, 0.02, 2, 3, 4]],
  ])("are not split at one frame per second%s", (_, times) => {
    const [first] = framesOf().flatMap(({ faces }) => faces);
    const value = (happiness: number) => ({ ...first.emotions, neutral: 1 - happiness, happiness });
    const none = Object.fromEntries(EMOTIONS.map((name) => [name, 0])) as typeof first.emotions;
    const frames = [0.6, 0.7, 0.9, 0.7, 0.1].map((share, index) => ({
      index,
      time_s: times[index],
      faces: [{ ...first, track_id: 1, emotions: { ...none, ...value(share), surprise: 0, sadness: 0 } }],
    }));
    const happy = eventsOf(frames).filter(({ expression }) => expression === "happiness");
    expect(happy.map(({ onset_s, apex_s, offset_s }) => [onset_s, apex_s, offset_s])).toEqual([[0, 2, 4]]);
  });

  it.each([
    [1.4, 1],
    [1.6, 5],
  ])("are not split by frames held for up to 1.5 s: %s s", (hold, count) => {
    const [first] = framesOf().flatMap(({ faces }) => faces);
    const none = Object.fromEntries(EMOTIONS.map((name) => [name, 0])) as typeof first.emotions;
    const face = { ...first, track_id: 1, emotions: { ...none, happiness: 1 } };
    const starts = [0, 1, 2, 3, 4].map((k) => k * (0.36 + hold));
    const times = starts.flatMap((start) => Array.from({ length: 10 }, (_, n) => start + n * 0.04));
    expect(eventsOf(times.map((time_s, index) => ({ index, time_s, faces: [face] })))).toHaveLength(count);
  });

  it("require a track id", () => {
    const frames = framesOf().map((frame) => ({
      ...frame,
      faces: frame.faces.map((face) => ({ ...face, track_id: null })),
    }));
    expect(eventsOf(frames)).toEqual([]);
  });
});
