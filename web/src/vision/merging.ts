/** Merging of overlapping proposals. */

import { type Box, iou, type Point, shared, suppress } from "./geometry";
import type { Proposal } from "./proposals";

export const NMS_IOU = 0.4;
export const VOTE_OVERLAP = 0.6;
const NESTED_SHARE = 0.8;

/** Non-maximum suppression, best first; each proposal is averaged with those that overlap it. */
export function merged(found: readonly Proposal[]): Proposal[] {
  const boxes = found.map((one) => one.box);
  const kept = suppress(boxes, found.map((one) => one.score), NMS_IOU);
  return kept.map((index) => {
    const peers = found.filter((one) => iou(one.box, boxes[index]) >= VOTE_OVERLAP);
    const total = peers.reduce((sum, one) => sum + one.weight, 0);
    const mean = (value: (one: Proposal) => number) =>
      peers.reduce((sum, one) => sum + value(one) * one.weight, 0) / total;
    const box = [0, 1, 2, 3].map((k) => mean((one) => one.box[k])) as unknown as Box;
    const points = [0, 1, 2, 3, 4].map(
      (k): Point => [mean((one) => one.points[k][0]), mean((one) => one.points[k][1])],
    );
    return { box, points, score: found[index].score, weight: found[index].weight };
  });
}

/** Proposals not nested in a better one; expects the best first. */
export function apart(found: readonly Proposal[]): Proposal[] {
  const kept: Proposal[] = [];
  for (const one of found) {
    const area = Math.max(one.box[2] * one.box[3], 1e-6);
    if (kept.every((other) => shared(one.box, other.box) <= NESTED_SHARE * area)) kept.push(one);
  }
  return kept;
}
