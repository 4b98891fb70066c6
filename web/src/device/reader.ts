/** Reading of one picture, as on the server: detection, alignment, classification, quality. */

import type { Activation, Face } from "../api/types";
import { align, alignmentMatrix, CROP_SIZE } from "../vision/alignment";
import { apply, invert, type Point } from "../vision/geometry";
import { doubtOf, predictionSet, softmax } from "../vision/judgement";
import { type Emotion, EMOTIONS, scoresOf } from "../vision/labels";
import type { Proposal } from "../vision/proposals";
import { type Grey, toBatch } from "../vision/raster";
import { detectFaces } from "./detector";
import type { ReadOptions } from "./messages";
import { batchMean, cardNumber, type Network, type Outputs, shape, values } from "./networks";

const LANDMARKS = ["right_eye", "left_eye", "nose", "right_mouth", "left_mouth"] as const;

export async function readFaces(
  grey: Grey,
  networks: ReadonlyMap<string, Network>,
  options: ReadOptions,
): Promise<Face[]> {
  const detector = networks.get("detector");
  const expression = networks.get("expression");
  const refiner = networks.get("refiner");
  const placer = networks.get("landmarks");
  if (!detector || !refiner || !placer || !expression) throw new Error("the weights are not loaded");
  const found = await detectFaces(grey, detector, refiner, placer, options.searchSize);
  const faces: Face[] = [];
  for (const one of found) faces.push(await readFace(grey, one, expression, options));
  return faces;
}

async function readFace(grey: Grey, one: Proposal, network: Network, options: ReadOptions): Promise<Face> {
  const canonical = options.zooms.indexOf(1);
  const crops = options.zooms.map((zoom) => align(grey, one.points, zoom));
  const outputs = await network.run(toBatch(crops), [crops.length, 1, CROP_SIZE, CROP_SIZE]);
  const probabilities = softmax(batchMean(outputs, "logits"), cardNumber(network.card, "temperature"));
  const members = predictionSet(probabilities, cardNumber(network.card, "conformal_quantile"));
  const occluded = batchMean(outputs, "occlusion")[0] > cardNumber(network.card, "occlusion_threshold");
  const ambiguous = members.length >= 2;
  const defect = doubtOf(one.points, crops[canonical]);
  const doubt = defect ?? (occluded ? "occluded" : ambiguous ? "ambiguous" : null);
  const { emotions, top, ...affect } = scoresOf(probabilities);
  const [x, y, width, height] = one.box;
  return {
    track_id: null,
    box: { x, y, width, height },
    score: one.score,
    landmarks: Object.fromEntries(LANDMARKS.map((name, k) => [name, one.points[k]])) as Face["landmarks"],
    emotions,
    top,
    prediction_set: members,
    uncertain: doubt !== null,
    uncertain_reason: doubt,
    ...affect,
    activation: options.activation ? activationOf(outputs, canonical, top, one.points) : null,
  };
}

/** The activation map of the canonical crop; those of other scales have other corners. */
function activationOf(outputs: Outputs, index: number, emotion: Emotion, points: readonly Point[]): Activation {
  const [, classes, rows, columns] = shape(outputs, "activation");
  const start = (index * classes + EMOTIONS.indexOf(emotion)) * rows * columns;
  const inverse = invert(alignmentMatrix(points));
  const corner = (x: number, y: number) => [...apply(inverse, [x - 0.5, y - 0.5])] as [number, number];
  return {
    emotion,
    rows,
    columns,
    values: Array.from(values(outputs, "activation").subarray(start, start + rows * columns)),
    corners: [corner(0, 0), corner(CROP_SIZE, 0), corner(CROP_SIZE, CROP_SIZE), corner(0, CROP_SIZE)],
  };
}
