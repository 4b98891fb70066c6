import { expect, it } from "vitest";
import type { Point } from "../src/vision/geometry";
import { CLOSE_SIZE, closeBatch, placed } from "../src/vision/landmarks";
import type { Proposal } from "../src/vision/proposals";
import { CANONICAL } from "./canonical";

/** Network outputs for correct landmarks: relative to the crop's centre, in units of its side. */
const EXPECTED = CANONICAL.flatMap(([x, y]) => [0.8 * ((x + 0.5) / 48 - 0.5), 0.8 * ((y + 0.5) / 48 - 0.5)]);

/** The average face, enlarged three times and rotated by 90 degrees. */
const lying: Proposal = {
  box: [0, 0, 100, 100],
  points: CANONICAL.map(([x, y]): Point => [150 - 3 * y, 20 + 3 * x]),
  score: 0.9,
  vote: 1,
};

it("leaves correct landmarks in place", () => {
  const [face] = placed([lying], Float32Array.from(EXPECTED), 1);
  face.points.forEach((point, k) => {
    expect(point[0]).toBeCloseTo(lying.points[k][0], 3);
    expect(point[1]).toBeCloseTo(lying.points[k][1], 3);
  });
  expect(face.score).toBe(0.9);
});

it("moves landmarks by the share of their offset, in image coordinates", () => {
  const right = EXPECTED.map((value, k) => (k % 2 ? value : value + 0.1));
  const found = placed([lying, lying], Float32Array.from([...EXPECTED, ...right]), 0.5);
  // A tenth of the crop's side is that of 48 / 0.8 pixels of the canonical one.
  const pixels = (0.5 * 0.1 * 48 * 3) / 0.8;
  found[1].points.forEach(([x, y], k) => {
    expect(x).toBeCloseTo(lying.points[k][0], 3);
    expect(y).toBeCloseTo(lying.points[k][1] + pixels, 3);
  });
  expect(found[0].points[2][1]).toBeCloseTo(lying.points[2][1], 3);
});

it("makes one upright crop per face", () => {
  const grey = { width: 200, height: 180, data: new Uint8Array(200 * 180).map((_, i) => Math.floor(i / 200)) };
  const batch = closeBatch(grey, [lying, lying]);
  expect(batch.length).toBe(2 * CLOSE_SIZE * CLOSE_SIZE);
  // The picture grows brighter downwards, which is to the right of this face.
  const middle = (CLOSE_SIZE / 2) * CLOSE_SIZE;
  expect(batch[middle + 50]).toBeGreaterThan(batch[middle + 10] + 80);
  expect(Math.abs(batch[10 * CLOSE_SIZE + 32] - batch[50 * CLOSE_SIZE + 32])).toBeLessThan(4);
});
