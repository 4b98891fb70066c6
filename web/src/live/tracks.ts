/** Tracking of faces between frames, with smoothing for display. */

import type { Face } from "../api/types";
import { type Box, iou } from "../vision/geometry";
import { EMOTIONS, scoresOf } from "../vision/labels";

export interface Track {
  readonly id: number;
  /** Smoothed for display. */
  readonly face: Face;
  /** The last reading, unsmoothed. */
  readonly raw: Face;
  /** Time of the last reading in seconds. */
  readonly seen: number;
  /** Consecutive frames without the face. */
  readonly missed: number;
}

/** Minimum IoU at which boxes match. */
const MIN_IOU = 0.25;
/** Maximum distance of the centres at which boxes match, in units of their larger width. */
const REACH = 0.7;
/** Longest time that a face may be unseen without losing its track. */
const MEMORY_S = 0.6;
/** Time constants of the exponential smoothing. */
const BOX_TIME_S = 0.08;
const SCORES_TIME_S = 0.35;

const boxOf = ({ box }: Face): Box => [box.x, box.y, box.width, box.height];

/** Assign the faces of the next frame to tracks, greedily by affinity. */
export function updateTracks(
  tracks: readonly Track[],
  faces: readonly Face[],
  now: number,
  nextId: () => number,
): Track[] {
  const pairs = tracks
    .flatMap((track) => faces.map((face) => ({ track, face, score: affinity(boxOf(track.face), boxOf(face)) })))
    .filter(({ score }) => score > 0)
    .sort((a, b) => b.score - a.score);
  const matches = new Map<Face, Track>();
  const matched = new Set<Track>();
  for (const { track, face } of pairs) {
    if (matches.has(face) || matched.has(track)) continue;
    matches.set(face, track);
    matched.add(track);
  }
  const current = faces.map((face) => {
    const before = matches.get(face);
    return before
      ? { id: before.id, face: smoothed(before.face, face, now - before.seen), raw: face, seen: now, missed: 0 }
      : { id: nextId(), face, raw: face, seen: now, missed: 0 };
  });
  return withUnseen(tracks, current, now);
}

/** Tracks of faces that the server has tracked and smoothed. */
export function serverTracks(tracks: readonly Track[], faces: readonly Face[], now: number): Track[] {
  const seen = { seen: now, missed: 0 };
  const current = faces.map((face, number) => ({ id: face.track_id ?? number + 1, face, raw: face, ...seen }));
  return withUnseen(tracks, current, now);
}

/** The unsmoothed readings of the faces in view, with their track ids. */
export function visibleFaces(tracks: readonly Track[]): Face[] {
  return tracks.filter(({ missed }) => !missed).map(({ id, raw }) => ({ ...raw, track_id: id }));
}

/** A function that assigns track ids to the faces of successive frames, without smoothing. */
export function filmTracker(): (faces: readonly Face[], time: number) => Face[] {
  let [tracks, lastId]: [Track[], number] = [[], 0];
  return (faces, time) => {
    tracks = updateTracks(tracks, faces, time, () => ++lastId);
    const ids = new Map(tracks.map(({ id, raw }) => [raw, id]));
    return faces.map((face) => ({ ...face, track_id: ids.get(face) ?? null }));
  };
}

/** The current tracks, and earlier ones that have been unseen only briefly. */
function withUnseen(tracks: readonly Track[], current: readonly Track[], now: number): Track[] {
  const ids = new Set(current.map(({ id }) => id));
  // A track survives one missed frame, however low the frame rate.
  const unseen = tracks
    .filter((track) => !ids.has(track.id) && (track.missed === 0 || now - track.seen < MEMORY_S))
    .map((track) => ({ ...track, missed: track.missed + 1 }));
  return [...current, ...unseen].sort((a, b) => a.id - b.id);
}

/** Affinity of two boxes; 0 if they do not match, above 1 if they overlap. */
function affinity(a: Box, b: Box): number {
  const overlap = iou(a, b);
  if (overlap >= MIN_IOU) return 1 + overlap;
  const distance = Math.hypot(a[0] + a[2] / 2 - b[0] - b[2] / 2, a[1] + a[3] / 2 - b[1] - b[3] / 2);
  return Math.max(REACH - distance / Math.max(a[2], b[2]), 0);
}

function smoothed(before: Face, face: Face, elapsed: number): Face {
  const mix = (from: number, to: number, time: number) => to + (from - to) * Math.exp(-Math.max(elapsed, 0) / time);
  const values = EMOTIONS.map((name) => mix(before.emotions[name], face.emotions[name], SCORES_TIME_S));
  const box = { ...face.box };
  for (const key of ["x", "y", "width", "height"] as const) box[key] = mix(before.box[key], face.box[key], BOX_TIME_S);
  const scores = scoresOf(values);
  // While the smoothed top differs from that of the reading, both are plausible.
  const likely = [scores.top, ...face.prediction_set.filter((name) => name !== scores.top)];
  const doubt = face.uncertain_reason ?? (likely.length >= 2 ? "ambiguous" : null);
  return {
    ...face,
    box,
    ...scores,
    prediction_set: likely,
    uncertain: doubt !== null,
    uncertain_reason: doubt,
  };
}
