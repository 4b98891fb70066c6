/** Face detection in a grey image by a cascade of three networks. */

import { canAlign } from "../vision/alignment";
import { CLOSE_SIZE, closeBatch, placed } from "../vision/landmarks";
import { merged, notNested } from "../vision/merging";
import { decode, type Proposal, scales } from "../vision/proposals";
import { type Grey, mirrored, resize, roundEven, toBatch } from "../vision/raster";
import { isLikely, mirrorAveraged, perCrop, REGION_SIZE, refined, regionCrops } from "../vision/refiner";
import { cardNumber, type Network, shape, values } from "./networks";

/** Coarsest stride of the proposal network in pixels; its input is padded to multiples of it. */
const STRIDE = 32;
/** Maximum number of proposals, best first, that are refined. */
const MAX_PROPOSALS = 200;
/** Minimum size of a face, the square root of its box's area in pixels of the image. */
const MIN_FACE_SIZE = 10;

/** The faces of a picture, largest first; `searchSize` is the longest side of the finest search. */
export async function detectFaces(
  grey: Grey,
  detector: Network,
  refiner: Network,
  placer: Network,
  searchSize: number,
): Promise<Proposal[]> {
  const minScore = cardNumber(refiner.card, "least_proposal");
  const found: Proposal[] = [];
  const levels = scales(Math.max(grey.width, grey.height), searchSize);
  let level = grey;
  for (const scale of levels) {
    const width = Math.max(roundEven(grey.width * scale), 1);
    const height = Math.max(roundEven(grey.height * scale), 1);
    // A large picture is shrunk step by step, so that all of it is read once.
    level = resize(levels[0] < 1 ? level : grey, width, height);
    found.push(...(await search(level, grey, detector, minScore)));
  }
  const refinedFaces = await refine(grey, refiner, merged(found).slice(0, MAX_PROPOSALS));
  const kept = notNested(refinedFaces)
    .filter(({ box: [, , width, height], points }) => Math.sqrt(width * height) >= MIN_FACE_SIZE && canAlign(points))
    .sort((a, b) => b.box[2] * b.box[3] - a.box[2] * a.box[3]);
  return place(grey, placer, kept);
}

/** Proposals in one level of the image, in pixels of the whole image. */
async function search(level: Grey, whole: Grey, detector: Network, minScore: number): Promise<Proposal[]> {
  const { width, height } = level;
  const columns = Math.ceil(width / STRIDE) * STRIDE;
  const rows = Math.ceil(height / STRIDE) * STRIDE;
  const padded = new Float32Array(columns * rows);
  for (let y = 0; y < height; y++) {
    padded.set(level.data.subarray(y * width, (y + 1) * width), y * columns);
  }
  const outputs = await detector.run(padded, [1, 1, rows, columns]);
  const { strides, sizes } = detector.card.extra as { strides: number[]; sizes: number[] };
  return strides.flatMap((stride, level) => {
    const [, , mapRows, mapColumns] = shape(outputs, `level${stride}`);
    const map = { data: values(outputs, `level${stride}`), rows: mapRows, columns: mapColumns };
    return decode(map, stride, sizes[level], minScore, whole.width / width, whole.height / height);
  });
}

async function refine(grey: Grey, refiner: Network, found: readonly Proposal[]): Promise<Proposal[]> {
  const run = async (crops: readonly Grey[]) => {
    if (!crops.length) return [];
    const outputs = await refiner.run(toBatch(crops), [crops.length, 1, REGION_SIZE, REGION_SIZE]);
    return perCrop(values(outputs, "faces"));
  };
  const crops = regionCrops(grey, found);
  const outputs = await run(crops);
  const likely = [...outputs.keys()].filter((index) => isLikely(outputs[index]));
  const mirrors = await run(likely.map((index) => mirrored(crops[index])));
  likely.forEach((index, k) => {
    outputs[index] = mirrorAveraged(outputs[index], mirrors[k]);
  });
  return refined(found, outputs, cardNumber(refiner.card, "trust_in_proposal"), cardNumber(refiner.card, "threshold"));
}

async function place(grey: Grey, placer: Network, faces: readonly Proposal[]): Promise<Proposal[]> {
  if (!faces.length) return [];
  const shape = [faces.length, 1, CLOSE_SIZE, CLOSE_SIZE];
  const outputs = values(await placer.run(closeBatch(grey, faces), shape), "points");
  return placed(faces, outputs, cardNumber(placer.card, "share"));
}
