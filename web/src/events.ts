/** Moments of a film: stretches in which an expression other than neutral leads. */

import type { Frame } from "./api/types";
import type { Emotion } from "./vision/labels";

export interface Moment {
  readonly emotion: Emotion;
  readonly from: number;
  readonly until: number;
  readonly strength: number;
}

const LEAST = 0.5;
const GAP_S = 0.4;
const SHORTEST_S = 0.2;

export function momentsOf(frames: readonly Frame[]): Moment[] {
  const found: Moment[] = [];
  for (const { time_s: time, faces } of frames) {
    const face = faces[0];
    if (!face || face.top === "neutral" || face.uncertain || face.emotions[face.top] < LEAST) continue;
    const strength = face.emotions[face.top];
    const last = found[found.length - 1];
    if (last && last.emotion === face.top && time - last.until <= GAP_S) {
      found[found.length - 1] = { ...last, until: time, strength: Math.max(last.strength, strength) };
    } else {
      found.push({ emotion: face.top, from: time, until: time, strength });
    }
  }
  return found.filter(({ from, until }) => until - from >= SHORTEST_S);
}
