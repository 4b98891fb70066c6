import { describe, expect, it } from "vitest";
import type { Point } from "../src/vision/geometry";
import { merged, notNested } from "../src/vision/merging";
import { decode, type Proposal, scales } from "../src/vision/proposals";
import { isLikely, mirrorAveraged, perCrop, REGION_SIZE, refined, regionCrops } from "../src/vision/refiner";

const POINTS: Point[] = [[1, 1], [2, 1], [1.5, 2], [1, 3], [2, 3]];
const face = (x: number, size: number, score: number): Proposal => ({
  box: [x, 0, size, size],
  points: POINTS,
  score,
  vote: score,
});

describe("proposals", () => {
  it("halves the scale down to the minimum search size", () => {
    expect(scales(640, 1280)).toEqual([2, 1, 0.5, 0.25]);
    expect(scales(2560, 1280)).toEqual([0.5, 0.25, 0.125, 0.0625]);
  });

  it("decodes a cell into pixels of the picture", () => {
    const data = new Float32Array(15 * 2);
    data[1] = 0.9;
    const [found] = decode({ data, rows: 1, columns: 2 }, 8, 24, 0.5, 2, 2);
    expect(found.box).toEqual([0, -16, 48, 48]);
    expect(found.points[0]).toEqual([24, 8]);
    expect(found.vote).toBeCloseTo(0.9);
  });
});

describe("merging", () => {
  it("averages overlapping boxes by their votes", () => {
    const [one, ...others] = merged([face(0, 10, 0.9), face(1, 10, 0.3)]);
    expect(others).toEqual([]);
    expect(one.box[0]).toBeCloseTo(0.25);
  });

  it("drops boxes nested in a better one", () => {
    expect(notNested([face(0, 20, 0.9), face(1, 5, 0.8), face(18, 10, 0.7)])).toHaveLength(2);
  });
});

describe("refining", () => {
  const outputs = (logit: number): Float32Array => new Float32Array(15).fill(logit, 0, 1);

  it("crops the square around a proposal", () => {
    const data = Uint8Array.from({ length: 64 * 64 }, (_, i) => (i % 64) * 4);
    const [crop, ...others] = regionCrops({ width: 64, height: 64, data }, [face(12, 40, 0.9)]);
    expect(others).toEqual([]);
    expect(crop.data).toHaveLength(REGION_SIZE * REGION_SIZE);
    expect(crop.data.subarray(0, 64)).toEqual(data.subarray(0, 64));
  });

  it("runs mirror images of likely faces alone", () => {
    expect(perCrop(new Float32Array(30))).toHaveLength(2);
    expect([-9, -3, 2].map((logit) => isLikely(outputs(logit)))).toEqual([false, true, true]);
  });

  it("averages outputs with those of the mirror image", () => {
    const [plain, mirrored] = [outputs(2), outputs(4)];
    // The right eye of the crop is the left one of its mirror image.
    [plain[1], plain[5], plain[6]] = [0.2, -0.3, 0.1];
    [mirrored[1], mirrored[7], mirrored[8]] = [-0.4, 0.5, 0.3];
    const mean = mirrorAveraged(plain, mirrored);
    expect(mean[0]).toBe(3);
    expect(mean[1]).toBeCloseTo(0.3);
    expect(mean[5]).toBeCloseTo(-0.4);
    expect(mean[6]).toBeCloseTo(0.2);
  });

  it("keeps proposals above the threshold and drops the others", () => {
    const found = [face(0, 10, 0.9), face(100, 10, 0.9)];
    const sure = refined(found, [outputs(5), outputs(-5)], 1, 0.8);
    expect(sure).toHaveLength(1);
    expect(sure[0].box[2]).toBeCloseTo(10);
    expect(sure[0].score).toBeCloseTo(1 / (1 + Math.exp(-(5 + Math.log(9)) / 2)));
  });

  it("keeps, of several proposals of one face, the one that was moved least", () => {
    const [whole, part] = [face(0, 40, 0.6), face(10, 20, 0.9)];
    const shifted = outputs(6);
    // The part's region is moved and widened until its box is the whole face.
    shifted[3] = shifted[4] = Math.log(2);
    const [only, ...others] = refined([whole, part], [outputs(3), shifted], 1, 0.8);
    expect(others).toEqual([]);
    expect(only.score).toBeLessThan(1 / (1 + Math.exp(-(6 + Math.log(9)) / 2)));
  });
});
