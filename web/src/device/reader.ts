/** Reading of one picture, as on the server: detection, alignment, classification, quality. */

import type { Activation, Face } from "../api/types";
import { align, alignmentMatrix, CROP_SIZE } from "../vision/alignment";
import { apply, invert, type Point } from "../vision/geometry";
import { doubtOf, predictionSet, softmax } from "../vision/judgement";
import { arousalOf, EMOTIONS, sentimentOf, valenceOf } from "../vision/labels";
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
  const crops = options.zooms.map((zoom) => align(grey, one.points, zoom));
  const outputs = await network.run(toBatch(crops), [crops.length, 1, CROP_SIZE, CROP_SIZE]);
  const crop = crops[options.zooms.indexOf(1)];
  const probabilities = softmax(batchMean(outputs, "logits"), cardNumber(network.card, "temperature"));
  const members = predictionSet(probabilities, cardNumber(network.card, "conformal_quantile"));
  const occluded = batchMean(outputs, "occlusion")[0] > cardNumber(network.card, "occlusion_threshold");
  const doubt = doubtOf(one.points, crop) ?? (occluded ? "occluded" : members.length >= 2 ? "ambiguous" : null);
  const top = probabilities.indexOf(Math.max(...probabilities));
  const valence = valenceOf(probabilities);
  const [x, y, width, height] = one.box;
  return {
    track_id: null,
    box: { x, y, width, height },
    score: one.score,
    landmarks: Object.fromEntries(LANDMARKS.map((name, k) => [name, one.points[k]])) as Face["landmarks"],
    emotions: Object.fromEntries(EMOTIONS.map((name, k) => [name, probabilities[k]])) as Face["emotions"],
    top: EMOTIONS[top],
    prediction_set: members,
    uncertain: doubt !== null,
    uncertain_reason: doubt,
    valence,
    arousal: arousalOf(probabilities),
    sentiment: sentimentOf(valence),
    activation: options.activation ? activationOf(outputs, options.zooms.indexOf(1), top, one.points) : null,
  };
}

/** The activation map of the canonical crop; those of other scales have other corners. */
function activationOf(outputs: Outputs, index: number, top: number, points: readonly Point[]): Activation {
  const [, classes, rows, columns] = shape(outputs, "activation");
  const start = (index * classes + top) * rows * columns;
  const inverse = invert(alignmentMatrix(points));
  const corner = (x: number, y: number) => [...apply(inverse, [x - 0.5, y - 0.5])] as [number, number];
  return {
    emotion: EMOTIONS[top],
    rows,
    columns,
    values: Array.from(values(outputs, "activation").subarray(start, start + rows * columns)),
    corners: [corner(0, 0), corner(CROP_SIZE, 0), corner(CROP_SIZE, CROP_SIZE), corner(0, CROP_SIZE)],
  };
}
