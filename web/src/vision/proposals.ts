/** Proposal network, the first stage of face detection: decoding of its output maps. */

import { type Box, clamp, type Point } from "./geometry";

export interface Proposal {
  readonly box: Box;
  readonly points: readonly Point[];
  readonly score: number;
  /** Weight in box voting. */
  readonly vote: number;
}

/** One output of the network: (1, 15, rows, columns). */
interface FeatureMap {
  readonly data: Float32Array;
  readonly rows: number;
  readonly columns: number;
}

/** Longest side in pixels down to which the image is halved and searched again. */
const MIN_SEARCH_SIZE = 120;
/** Maximum factor by which small images are enlarged for the search. */
const MAX_SCALE = 2;
/** Face size in pixels, at the scale searched, above which a box weighs less in box voting. */
const TRUSTED_SIZE = 128;
/** Bound on the logarithm of a box's relative width and height, to guard exp against overflow. */
const MAX_LOG_SIZE = 4;

/** The scales of the image pyramid, finest first; `searchSize` is the longest side of the finest. */
export function scales(longest: number, searchSize: number): number[] {
  const found = [Math.min(searchSize / longest, MAX_SCALE)];
  while ((longest * found[found.length - 1]) / 2 >= MIN_SEARCH_SIZE) found.push(found[found.length - 1] / 2);
  return found;
}

/** Proposals in one map that score at least `minScore`; the scales lead to pixels of the picture. */
export function decode(
  map: FeatureMap,
  stride: number,
  unit: number,
  minScore: number,
  scaleX: number,
  scaleY: number,
): Proposal[] {
  const cells = map.rows * map.columns;
  const found: Proposal[] = [];
  for (let cell = 0; cell < cells; cell++) {
    const score = map.data[cell];
    if (!(score >= minScore)) continue;
    const value = (channel: number) => map.data[channel * cells + cell];
    const extent = (channel: number) => Math.exp(clamp(value(channel), -MAX_LOG_SIZE, MAX_LOG_SIZE)) * unit;
    const x = ((cell % map.columns) + 0.5) * stride;
    const y = (Math.floor(cell / map.columns) + 0.5) * stride;
    const [width, height] = [extent(3), extent(4)];
    const left = x + value(1) * stride - width / 2;
    const top = y + value(2) * stride - height / 2;
    const points = [0, 1, 2, 3, 4].map(
      (k): Point => [(x + value(5 + 2 * k) * unit) * scaleX, (y + value(6 + 2 * k) * unit) * scaleY],
    );
    const trust = Math.min(TRUSTED_SIZE / Math.sqrt(width * height), 1) ** 2;
    const box: Box = [left * scaleX, top * scaleY, width * scaleX, height * scaleY];
    found.push({ box, points, score, vote: score * trust });
  }
  return found;
}
