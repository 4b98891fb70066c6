/** Refinement network, the second stage of face detection: rescores and corrects proposals. */

import { cropFace } from "./alignment";
import { type Box, clamp, iou, nonMaximumSuppression, type Point } from "./geometry";
import { NMS_IOU, VOTE_IOU } from "./merging";
import type { Proposal } from "./proposals";
import type { Grey } from "./raster";

/** Side of the network's input crop in pixels. */
export const REGION_SIZE = 64;
/** Number of outputs per crop. */
const OUTPUTS = 15;
/** Side of the cropped square in units of the box size, the square root of its area. */
const REGION_SCALE = 1.6;
/** Minimum logit at which the mirror image of a crop is run too, as in the Python package. */
const MIN_MIRROR_LOGIT = -3;
/** Bound on the logarithm of a box's relative width and height, to guard exp against overflow. */
const MAX_LOG_SIZE = 2;
/** Weight of the refined landmarks in the mean with the proposal's, where their boxes agree. */
const REFINED_SHARE = 0.6;
/** Order of the landmarks in a mirrored image. */
const MIRRORED_LANDMARKS = [1, 0, 2, 4, 3];

interface Region {
  readonly x: number;
  readonly y: number;
  readonly side: number;
}

function regionOf([x, y, width, height]: Box): Region {
  return { x: x + width / 2, y: y + height / 2, side: REGION_SCALE * Math.sqrt(width * height) };
}

/** The crops of proposals, in the same order. */
export function regionCrops(grey: Grey, found: readonly Proposal[]): Grey[] {
  // Regions are measured from the corner of the image, crops from the centre of the first pixel.
  const shift = REGION_SIZE / 2 - 0.5;
  return found.map(({ box }) => {
    const { x, y, side } = regionOf(box);
    const scale = REGION_SIZE / side;
    return cropFace(grey, [scale, 0, shift - scale * (x - 0.5), 0, scale, shift - scale * (y - 0.5)], REGION_SIZE);
  });
}

/** Outputs (n, 15) as one array per crop. */
export function perCrop(values: Float32Array): Float32Array[] {
  return Array.from({ length: values.length / OUTPUTS }, (_, k) => values.subarray(k * OUTPUTS, (k + 1) * OUTPUTS));
}

/** Whether the outputs for a crop are likely enough a face for its mirror image to be run too. */
export function isLikely(output: Float32Array): boolean {
  return output[0] >= MIN_MIRROR_LOGIT;
}

/** Mean of the outputs for a crop and, mirrored back, for its mirror image. */
export function mirrorAveraged(plain: Float32Array, mirrored: Float32Array): Float32Array {
  const back = mirrored.slice();
  MIRRORED_LANDMARKS.forEach((from, to) => {
    back[5 + 2 * to] = -mirrored[5 + 2 * from];
    back[6 + 2 * to] = mirrored[6 + 2 * from];
  });
  back[1] = -back[1];
  return back.map((value, k) => (value + plain[k]) / 2);
}

/** Refined proposals, best first, from the outputs for each; those below the threshold are dropped. */
export function refined(
  found: readonly Proposal[],
  outputs: readonly Float32Array[],
  trust: number,
  threshold: number,
): Proposal[] {
  const faces = found
    .map((one, index) => {
      const face = corrected(one, outputs[index], trust);
      return { face, overlap: iou(face.box, one.box) };
    })
    .filter(({ face }) => face.score >= threshold);
  // Proposals of parts of a face are refined to the whole face too. The one that was moved least
  // had the best crop, and has the best landmarks.
  const boxes = faces.map(({ face }) => face.box);
  const ranks = faces.map(({ face, overlap }) => face.score * overlap);
  const kept = nonMaximumSuppression(boxes, ranks, NMS_IOU).map((index) => faces[index].face);
  return kept.sort((a, b) => b.score - a.score);
}

/** The proposal corrected by the outputs for its crop; its logit is a weighted mean of both. */
function corrected(one: Proposal, output: Float32Array, trust: number): Proposal {
  const { x, y, side } = regionOf(one.box);
  const extent = (channel: number) =>
    (Math.exp(clamp(output[channel], -MAX_LOG_SIZE, MAX_LOG_SIZE)) * side) / REGION_SCALE;
  const [width, height] = [extent(3), extent(4)];
  const prior = clamp(one.score, 1e-4, 1 - 1e-4);
  const logit = (output[0] + trust * Math.log(prior / (1 - prior))) / (1 + trust);
  const box: Box = [x + output[1] * side - width / 2, y + output[2] * side - height / 2, width, height];
  const share = iou(box, one.box) >= VOTE_IOU ? REFINED_SHARE : 1;
  return {
    box,
    points: one.points.map(([u, v], k): Point => {
      const mean = (refined: number, proposed: number) => share * refined + (1 - share) * proposed;
      return [mean(x + output[5 + 2 * k] * side, u), mean(y + output[6 + 2 * k] * side, v)];
    }),
    score: 1 / (1 + Math.exp(-logit)),
    vote: one.vote,
  };
}
