import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { pageNetworks } from "../src/device/messages";
import { csvOf, eventsCsvOf, CSV_HEADER, jsonOf } from "../src/download";
import { updateTracks, visibleFaces, filmTracker, type Track } from "../src/live/tracks";
import { type Doubt, doubtOf, predictionSet, softmax } from "../src/vision/judgement";
import { arousalOf, type Emotion, type Sentiment, sentimentOf, valenceOf } from "../src/vision/labels";
import type { Point } from "../src/vision/geometry";
import type { Face, Models } from "../src/api/types";
import { made } from "./faces";

interface Shared {
  readonly sets: readonly { probabilities: number[]; quantile: number; set: Emotion[] }[];
  readonly affect: readonly { probabilities: number[]; valence: number; arousal: number; sentiment: Sentiment }[];
  readonly doubts: readonly { name: string; points: Point[]; crop: number[]; doubt: Doubt | null }[];
}

/** Cases shared with `test_labels.py`, `test_quality.py` and `test_calibration.py` under `tests/`. */
const shared: Shared = JSON.parse(readFileSync(new URL("judgement.json", import.meta.url), "utf8"));

describe("judgement", () => {
  it("scales logits by the temperature", () => {
    expect(softmax([0, Math.log(3)], 1)[1]).toBeCloseTo(0.75);
    expect(softmax([1000, 0], 0.5)[0]).toBe(1);
  });

  it("gives the same prediction sets as the package", () => {
    for (const { probabilities, quantile, set } of shared.sets) {
      expect(predictionSet(probabilities, quantile)).toEqual(set);
    }
  });

  it("computes the same affect as the package, on either side of neutral", () => {
    for (const { probabilities, valence, arousal, sentiment } of shared.affect) {
      expect(valenceOf(probabilities)).toBeCloseTo(valence, 9);
      expect(arousalOf(probabilities)).toBeCloseTo(arousal, 9);
      expect(sentimentOf(valenceOf(probabilities))).toBe(sentiment);
    }
  });

  it("gives the same doubts as the package, on either side of each limit", () => {
    for (const { name, points, crop, doubt } of shared.doubts) {
      const side = Math.sqrt(crop.length);
      const grey = { width: side, height: side, data: Uint8Array.from(crop) };
      expect(doubtOf(points, grey), name).toBe(doubt);
    }
  });
});

describe("tracks", () => {
  it("keep the id of a moving face, and drop a face that has gone", () => {
    let ids = 0;
    const next = () => ++ids;
    let tracks: Track[] = updateTracks([], [made("happiness")], 0, next);
    tracks = updateTracks(tracks, [made("happiness", 0.9, 18)], 0.1, next);
    expect(tracks.map(({ id }) => id)).toEqual([1]);
    expect(tracks[0].face.box.x).toBeGreaterThan(10);
    expect(tracks[0].face.box.x).toBeLessThan(18);
    tracks = updateTracks(tracks, [made("anger", 0.9, 300)], 0.2, next);
    expect(tracks.map(({ id }) => id)).toEqual([1, 2]);
    tracks = updateTracks(tracks, [made("anger", 0.9, 300)], 2, next);
    expect(tracks.map(({ id }) => id)).toEqual([2]);
  });

  it("survive one missed frame, however long", () => {
    let tracks = updateTracks([], [made("happiness")], 0, () => 1);
    tracks = updateTracks(tracks, [], 10, () => 2);
    expect(tracks.map(({ id }) => id)).toEqual([1]);
    expect(updateTracks(tracks, [], 20, () => 2)).toEqual([]);
    tracks = updateTracks(updateTracks([], [made("happiness")], 0, () => 1), [], 0.1, () => 2);
    expect(updateTracks(tracks, [], 0.2, () => 2)).toHaveLength(1);
  });
});

describe("a face on display", () => {
  const changed = () => updateTracks(updateTracks([], [made("happiness")], 0, () => 1), [made("anger", 0.9)], 0.1, () => 2);

  it("has a top expression in its prediction set, and is ambiguous while smoothing lags behind", () => {
    const [{ face }] = changed();
    expect(face.top).toBe("happiness");
    expect(face.prediction_set).toEqual(["happiness", "anger"]);
    expect(face).toMatchObject({ uncertain: true, uncertain_reason: "ambiguous" });
    const [after] = updateTracks(changed(), [made("anger", 0.9)], 2, () => 2);
    expect(after.face).toMatchObject({ top: "anger", prediction_set: ["anger"], uncertain: false, uncertain_reason: null });
  });

  it("keeps the doubt of its reading", () => {
    const covered = { ...made("anger", 0.9), uncertain: true, uncertain_reason: "occluded" as const };
    const [{ face }] = updateTracks(changed(), [covered], 0.2, () => 2);
    expect(face.uncertain_reason).toBe("occluded");
  });

  it("is saved unsmoothed while it is in view", () => {
    const [read, gone] = [made("anger", 0.9), made("fear", 0.9, 300)];
    let [tracks, ids] = [updateTracks([], [], 0, () => 0), 0];
    for (const [time, faces] of [[made("happiness"), gone], [read]].entries()) {
      tracks = updateTracks(tracks, faces, time / 10, () => ++ids);
    }
    expect(tracks.map(({ id }) => id)).toEqual([1, 2]);
    expect(visibleFaces(tracks)).toEqual([{ ...read, track_id: 1 }]);
  });
});

describe("the film tracker", () => {
  it("assigns track ids without smoothing", () => {
    const number = filmTracker();
    const ids = (faces: Face[], time: number) => number(faces, time).map(({ track_id }) => track_id);
    expect(ids([made("happiness"), made("fear", 0.9, 300)], 0)).toEqual([1, 2]);
    const [second, first] = number([made("fear", 0.7, 304), made("anger", 0.8, 14)], 0.2);
    expect([second.track_id, first.track_id]).toEqual([2, 1]);
    expect(first).toEqual({ ...made("anger", 0.8, 14), track_id: 1 });
    expect(ids([made("anger", 0.8, 600)], 3)).toEqual([3]);
  });
});

describe("downloads", () => {
  const frames = [{ index: 3, time_s: 0.12, faces: [made("happiness")] }];
  const item = { source: 'a "b", c.mp4', kind: "video" as const, width: 64, height: 48, frames };

  it("writes one CSV row per face, with quoted names", () => {
    const [header, row, end] = csvOf([item]).split("\n");
    expect(header).toBe(CSV_HEADER);
    expect(row.startsWith('"a ""b"", c.mp4",3,0.12,0,,10,10,40,40,0.9,happiness,0.01,')).toBe(true);
    expect(end).toBe("");
  });

  it("writes one CSV row per event", () => {
    const event = { track_id: 2, expression: "fear" as const, onset_s: 0.1, apex_s: 0.2, offset_s: 0.5 };
    const text = eventsCsvOf("a, b.mp4", [{ ...event, duration_s: 0.4, peak: 0.75 }]);
    expect(text).toBe(
      'source,track_id,expression,onset_s,apex_s,offset_s,duration_s,peak\n"a, b.mp4",2,fear,0.1,0.2,0.5,0.4,0.75\n',
    );
  });

  it("writes documents of the schema, without activation maps", () => {
    const card = { version: "1", precision: "fp32", sha256: "ab" };
    const models = { models: [{ name: "detector", ...card }, { name: "temporal", ...card }] };
    const found = JSON.parse(jsonOf([item], pageNetworks(models as unknown as Models)));
    expect(found.schema).toBe("mien/1");
    expect(found.model).toEqual({ detector: card });
    expect(found.items[0].frames[0].faces[0]).not.toHaveProperty("activation");
  });
});
