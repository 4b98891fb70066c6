/** Decoding of the first network's output maps into boxes, landmarks and scores. */

import type { Box, Point } from "./geometry";

export interface Proposal {
  readonly box: Box;
  readonly points: readonly Point[];
  readonly score: number;
  /** Weight when overlapping proposals are averaged. */
  readonly weight: number;
}

/** One output of the network: (1, 15, rows, columns), values channel by channel. */
interface FeatureMap {
  readonly data: Float32Array;
  readonly rows: number;
  readonly columns: number;
}

const COARSEST = 120;
const LARGEST_SCALE = 2;
const TRUSTED_SIZE = 128;

/** The scales of the image pyramid, the finest first. */
export function scales(longest: number, finest: number): number[] {
  const found = [Math.min(finest / longest, LARGEST_SCALE)];
  while ((longest * found[found.length - 1]) / 2 >= COARSEST) found.push(found[found.length - 1] / 2);
  return found;
}

/** Proposals of at least `least` on one map; `across` and `down` scale to pixels of the picture. */
export function decode(
  map: FeatureMap,
  stride: number,
  unit: number,
  least: number,
  across: number,
  down: number,
): Proposal[] {
  const cells = map.rows * map.columns;
  const found: Proposal[] = [];
  for (let cell = 0; cell < cells; cell++) {
    const score = map.data[cell];
    if (!(score >= least)) continue;
    const value = (channel: number) => map.data[channel * cells + cell];
    const extent = (channel: number) => Math.exp(Math.min(Math.max(value(channel), -4), 4)) * unit;
    const x = ((cell % map.columns) + 0.5) * stride;
    const y = (Math.floor(cell / map.columns) + 0.5) * stride;
    const [width, height] = [extent(3), extent(4)];
    const left = x + value(1) * stride - width / 2;
    const top = y + value(2) * stride - height / 2;
    const points = [0, 1, 2, 3, 4].map(
      (k): Point => [(x + value(5 + 2 * k) * unit) * across, (y + value(6 + 2 * k) * unit) * down],
    );
    const trust = Math.min(TRUSTED_SIZE / Math.sqrt(width * height), 1) ** 2;
    const box: Box = [left * across, top * down, width * across, height * down];
    found.push({ box, points, score, weight: score * trust });
  }
  return found;
}
