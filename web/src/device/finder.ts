/** Face detection in a grey image. */

import { canAlign } from "../vision/alignment";
import { CLOSE_SIZE, closeBatch, placed } from "../vision/landmarks";
import { apart, merged } from "../vision/merging";
import { decode, type Proposal, scales } from "../vision/proposals";
import { type Grey, resize, roundEven } from "../vision/raster";
import { REGION_SIZE, refined, regionBatch } from "../vision/refining";
import { figure, type Network, shape, values } from "./networks";

const CELL = 32;
const MOST_PROPOSALS = 200;
/** Least square root of a face's area in pixels; smaller faces show no features. */
const LEAST_FACE = 10;

/** The faces of a picture, the largest first. */
export async function findFaces(
  grey: Grey,
  detector: Network,
  refiner: Network,
  placer: Network,
  finest: number,
): Promise<Proposal[]> {
  const least = figure(refiner.card, "least_proposal");
  const found: Proposal[] = [];
  for (const scale of scales(Math.max(grey.width, grey.height), finest)) {
    found.push(...(await search(grey, detector, scale, least)));
  }
  const faces = await lookAgain(grey, refiner, merged(found).slice(0, MOST_PROPOSALS));
  const kept = apart(faces)
    .filter(({ box: [, , width, height], points }) => Math.sqrt(width * height) >= LEAST_FACE && canAlign(points))
    .sort((a, b) => b.box[2] * b.box[3] - a.box[2] * a.box[3]);
  return place(grey, placer, kept);
}

async function search(grey: Grey, detector: Network, scale: number, least: number): Promise<Proposal[]> {
  const width = Math.max(roundEven(grey.width * scale), 1);
  const height = Math.max(roundEven(grey.height * scale), 1);
  const small = resize(grey, width, height);
  const columns = Math.ceil(width / CELL) * CELL;
  const rows = Math.ceil(height / CELL) * CELL;
  const padded = new Float32Array(columns * rows);
  for (let y = 0; y < height; y++) {
    padded.set(small.data.subarray(y * width, (y + 1) * width), y * columns);
  }
  const outputs = await detector.run(padded, [1, 1, rows, columns]);
  const { strides, sizes } = detector.card.extra as { strides: number[]; sizes: number[] };
  return strides.flatMap((stride, level) => {
    const [, , mapRows, mapColumns] = shape(outputs, `level${stride}`);
    const map = { data: values(outputs, `level${stride}`), rows: mapRows, columns: mapColumns };
    return decode(map, stride, sizes[level], least, grey.width / width, grey.height / height);
  });
}

async function lookAgain(grey: Grey, refiner: Network, found: readonly Proposal[]): Promise<Proposal[]> {
  if (!found.length) return [];
  const shape = [2 * found.length, 1, REGION_SIZE, REGION_SIZE];
  const seen = values(await refiner.run(regionBatch(grey, found), shape), "faces");
  return refined(found, seen, figure(refiner.card, "trust_in_proposal"), figure(refiner.card, "threshold"));
}

async function place(grey: Grey, placer: Network, faces: readonly Proposal[]): Promise<Proposal[]> {
  if (!faces.length) return [];
  const shape = [faces.length, 1, CLOSE_SIZE, CLOSE_SIZE];
  const seen = values(await placer.run(closeBatch(grey, faces), shape), "points");
  return placed(faces, seen, figure(placer.card, "share"));
}
