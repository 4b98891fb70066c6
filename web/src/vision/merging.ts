/** Merging of overlapping proposals: non-maximum suppression with box voting. */

import { type Box, intersectionArea, iou, type Point, nonMaximumSuppression } from "./geometry";
import type { Proposal } from "./proposals";

/** IoU above which two boxes are the same face. */
export const NMS_IOU = 0.4;
/** Minimum IoU with a kept box for a box to be averaged into it (box voting). */
export const VOTE_IOU = 0.6;
/** Share of a box's area inside a better box above which it is a part of the same face. */
const NESTED_SHARE = 0.8;

/** Non-maximum suppression with box voting; the best proposal first. */
export function merged(found: readonly Proposal[]): Proposal[] {
  const boxes = found.map((one) => one.box);
  const kept = nonMaximumSuppression(boxes, found.map((one) => one.score), NMS_IOU);
  return kept.map((index) => {
    const voters = found.filter((one) => iou(one.box, boxes[index]) >= VOTE_IOU);
    const total = voters.reduce((sum, one) => sum + one.vote, 0);
    const mean = (value: (one: Proposal) => number) =>
      voters.reduce((sum, one) => sum + value(one) * one.vote, 0) / total;
    const box = [0, 1, 2, 3].map((k) => mean((one) => one.box[k])) as unknown as Box;
    const points = [0, 1, 2, 3, 4].map(
      (k): Point => [mean((one) => one.points[k][0]), mean((one) => one.points[k][1])],
    );
    return { box, points, score: found[index].score, vote: found[index].vote };
  });
}

/** The proposals that are not nested in an earlier, better one. */
export function notNested(found: readonly Proposal[]): Proposal[] {
  const kept: Proposal[] = [];
  for (const one of found) {
    const area = Math.max(one.box[2] * one.box[3], 1e-6);
    if (kept.every((other) => intersectionArea(one.box, other.box) <= NESTED_SHARE * area)) kept.push(one);
  }
  return kept;
}
