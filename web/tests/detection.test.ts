import { describe, expect, it } from "vitest";
import type { Point } from "../src/vision/geometry";
import { merged, notNested } from "../src/vision/merging";
import { decode, type Proposal, scales } from "../src/vision/proposals";
import { REGION_SIZE, refined, regionBatch } from "../src/vision/refiner";

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
  it("batches each crop with its mirror image", () => {
    const data = Uint8Array.from({ length: 64 * 64 }, (_, i) => (i % 64) * 4);
    const batch = regionBatch({ width: 64, height: 64, data }, [face(12, 40, 0.9)]);
    const area = REGION_SIZE * REGION_SIZE;
    expect(batch).toHaveLength(2 * area);
    for (let x = 0; x < REGION_SIZE; x++) expect(batch[area + x]).toBe(batch[REGION_SIZE - 1 - x]);
  });

  it("keeps proposals above the threshold and drops the others", () => {
    const found = [face(0, 10, 0.9), face(100, 10, 0.9)];
    const values = new Float32Array(4 * 15);
    values[0] = values[30] = 5;
    values[15] = values[45] = -5;
    const sure = refined(found, values, 1, 0.8);
    expect(sure).toHaveLength(1);
    expect(sure[0].box[2]).toBeCloseTo(10);
    expect(sure[0].score).toBeCloseTo(1 / (1 + Math.exp(-(5 + Math.log(9)) / 2)));
  });

  it("keeps, of several proposals of one face, the one that was moved least", () => {
    const [whole, part] = [face(0, 40, 0.6), face(10, 20, 0.9)];
    const values = new Float32Array(4 * 15);
    values[0] = values[30] = 3;
    values[15] = values[45] = 6;
    // The part's region is moved and widened until its box is the whole face.
    values[18] = values[48] = Math.log(2);
    values[19] = values[49] = Math.log(2);
    const [only, ...others] = refined([whole, part], values, 1, 0.8);
    expect(others).toEqual([]);
    expect(only.score).toBeLessThan(1 / (1 + Math.exp(-(6 + Math.log(9)) / 2)));
  });
});
