/** Refinement of proposals by the second network: score, box and landmarks. */

import { cropFace } from "./alignment";
import { type Box, iou, type Point, suppress } from "./geometry";
import { NMS_IOU, VOTE_OVERLAP } from "./merging";
import type { Proposal } from "./proposals";
import { type Grey, mirrored, packed } from "./raster";

export const REGION_SIZE = 64;
const VALUES = 15;
const CONTEXT = 1.6;
/** Weight of the second network's landmarks in the mean of both, if their boxes agree. */
const REFINED_SHARE = 0.6;
/** Order of the landmarks in a mirrored image. */
const MIRRORED = [1, 0, 2, 4, 3];

interface Region {
  readonly x: number;
  readonly y: number;
  readonly side: number;
}

function regionOf([x, y, width, height]: Box): Region {
  return { x: x + width / 2, y: y + height / 2, side: CONTEXT * Math.sqrt(width * height) };
}

/** Crops of n proposals and, after them, their mirror images: (2n, 1, 64, 64). */
export function regionBatch(grey: Grey, found: readonly Proposal[]): Float32Array {
  const crops = found.map(({ box }) => {
    const { x, y, side } = regionOf(box);
    const scale = REGION_SIZE / side;
    const shift = REGION_SIZE / 2 - 0.5;
    return cropFace(grey, [scale, 0, shift - scale * (x - 0.5), 0, scale, shift - scale * (y - 0.5)], REGION_SIZE);
  });
  return packed([...crops, ...crops.map(mirrored)]);
}

/** Refined proposals from the network's output (2n, 15); low scores are dropped. */
export function refined(
  found: readonly Proposal[],
  values: Float32Array,
  trust: number,
  threshold: number,
): Proposal[] {
  const again = found.map((one, index) => {
    const now = corrected(one, looked(values, index, found.length), trust);
    return { now, overlap: iou(now.box, one.box) };
  });
  const sure = again.filter(({ now }) => now.score >= threshold);
  // Proposals of parts of a face also lead to the face. The one that had to be moved least was
  // looked at best, and places its landmarks best.
  const ranks = sure.map(({ now, overlap }) => now.score * overlap);
  const kept = suppress(sure.map(({ now }) => now.box), ranks, NMS_IOU).map((index) => sure[index].now);
  return kept.sort((a, b) => b.score - a.score);
}

/** Mean of the outputs for a crop and its mirror image, mirrored back. */
function looked(values: Float32Array, index: number, count: number): number[] {
  const plain = values.subarray(index * VALUES, (index + 1) * VALUES);
  const mirrored = values.subarray((count + index) * VALUES, (count + index + 1) * VALUES);
  const back = Array.from(mirrored);
  MIRRORED.forEach((from, to) => {
    back[5 + 2 * to] = -mirrored[5 + 2 * from];
    back[6 + 2 * to] = mirrored[6 + 2 * from];
  });
  back[1] = -back[1];
  return back.map((value, k) => (value + plain[k]) / 2);
}

function corrected(one: Proposal, value: readonly number[], trust: number): Proposal {
  const { x, y, side } = regionOf(one.box);
  const extent = (channel: number) => (Math.exp(Math.min(Math.max(value[channel], -2), 2)) * side) / CONTEXT;
  const [width, height] = [extent(3), extent(4)];
  const first = Math.min(Math.max(one.score, 1e-4), 1 - 1e-4);
  const logit = (value[0] + trust * Math.log(first / (1 - first))) / (1 + trust);
  const box: Box = [x + value[1] * side - width / 2, y + value[2] * side - height / 2, width, height];
  const share = iou(box, one.box) >= VOTE_OVERLAP ? REFINED_SHARE : 1;
  return {
    box,
    points: one.points.map(([u, v], k): Point => {
      const mean = (now: number, before: number) => share * now + (1 - share) * before;
      return [mean(x + value[5 + 2 * k] * side, u), mean(y + value[6 + 2 * k] * side, v)];
    }),
    score: 1 / (1 + Math.exp(-logit)),
    weight: one.weight,
  };
}
