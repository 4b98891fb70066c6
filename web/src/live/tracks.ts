/** Tracking of faces between frames, smoothed for display. */

import type { Face } from "../api/types";
import { type Box, iou } from "../vision/geometry";
import { arousalOf, EMOTIONS, sentimentOf, valenceOf } from "../vision/labels";

export interface Track {
  readonly id: number;
  /** Smoothed for display. */
  readonly face: Face;
  /** The last reading, not smoothed. */
  readonly read: Face;
  readonly seen: number;
  /** Consecutive frames without the face. */
  readonly missed: number;
}

/** Boxes match if their IoU is at least this, or their centres are within this share of their size. */
const SAME = 0.25;
const NEAR = 0.7;
const FORGET_S = 0.6;
/** Time constants of the smoothing, in seconds. */
const BOX_S = 0.08;
const SCORES_S = 0.35;

const boxOf = ({ box }: Face): Box => [box.x, box.y, box.width, box.height];

/** Match tracks with the faces of the next frame; tracks unseen for a while are dropped. */
export function follow(tracks: readonly Track[], faces: readonly Face[], now: number, next: () => number): Track[] {
  const pairs = tracks
    .flatMap((track) => faces.map((face) => ({ track, face, share: likeness(boxOf(track.face), boxOf(face)) })))
    .filter(({ share }) => share > 0)
    .sort((a, b) => b.share - a.share);
  const found = new Map<Face, Track>();
  const taken = new Set<Track>();
  for (const { track, face } of pairs) {
    if (found.has(face) || taken.has(track)) continue;
    found.set(face, track);
    taken.add(track);
  }
  const current = faces.map((face) => {
    const before = found.get(face);
    return before
      ? { id: before.id, face: steadied(before.face, face, now - before.seen), read: face, seen: now, missed: 0 }
      : { id: next(), face, read: face, seen: now, missed: 0 };
  });
  return withLost(tracks, current, now);
}

/** Tracks of faces that the server has tracked and smoothed; ids and values are kept. */
export function followed(tracks: readonly Track[], faces: readonly Face[], now: number): Track[] {
  const seen = { seen: now, missed: 0 };
  const current = faces.map((face, number) => ({ id: face.track_id ?? number + 1, face, read: face, ...seen }));
  return withLost(tracks, current, now);
}

/** The faces in view for saving: unsmoothed readings with the ids shown. */
export function inView(tracks: readonly Track[]): Face[] {
  return tracks.filter(({ missed }) => !missed).map(({ id, read }) => ({ ...read, track_id: id }));
}

/** Assigns track ids to the faces of a film, frame by frame in order of time, without smoothing. */
export function numbering(): (faces: readonly Face[], time: number) => Face[] {
  let [tracks, last]: [Track[], number] = [[], 0];
  return (faces, time) => {
    tracks = follow(tracks, faces, time, () => ++last);
    const ids = new Map(tracks.map(({ id, read }) => [read, id]));
    return faces.map((face) => ({ ...face, track_id: ids.get(face) ?? null }));
  };
}

function withLost(tracks: readonly Track[], current: readonly Track[], now: number): Track[] {
  const ids = new Set(current.map(({ id }) => id));
  // A face may be missing from one frame, however low the frame rate.
  const lost = tracks
    .filter((track) => !ids.has(track.id) && (track.missed === 0 || now - track.seen < FORGET_S))
    .map((track) => ({ ...track, missed: track.missed + 1 }));
  return [...current, ...lost].sort((a, b) => a.id - b.id);
}

/** 0 for boxes of different faces; boxes that overlap score higher than boxes that are only near. */
function likeness(a: Box, b: Box): number {
  const overlap = iou(a, b);
  if (overlap >= SAME) return 1 + overlap;
  const distance = Math.hypot(a[0] + a[2] / 2 - b[0] - b[2] / 2, a[1] + a[3] / 2 - b[1] - b[3] / 2);
  return Math.max(NEAR - distance / Math.max(a[2], b[2]), 0);
}

function steadied(before: Face, face: Face, elapsed: number): Face {
  const mix = (from: number, to: number, time: number) => to + (from - to) * Math.exp(-Math.max(elapsed, 0) / time);
  const values = EMOTIONS.map((name) => mix(before.emotions[name], face.emotions[name], SCORES_S));
  const box = { ...face.box };
  for (const key of ["x", "y", "width", "height"] as const) box[key] = mix(before.box[key], face.box[key], BOX_S);
  const top = EMOTIONS[values.indexOf(Math.max(...values))];
  // During smoothing, both may be equally probable.
  const likely = [top, ...face.prediction_set.filter((name) => name !== top)];
  const doubt = face.uncertain_reason ?? (likely.length >= 2 ? "ambiguous" : null);
  const valence = valenceOf(values);
  return {
    ...face,
    box,
    emotions: Object.fromEntries(EMOTIONS.map((name, k) => [name, values[k]])) as Face["emotions"],
    top,
    prediction_set: likely,
    uncertain: doubt !== null,
    uncertain_reason: doubt,
    valence,
    arousal: arousalOf(values),
    sentiment: sentimentOf(valence),
  };
}
