import { describe, expect, it } from "vitest";
import { alignmentMatrix, canAlign, cropFace } from "../src/vision/alignment";
import {
  apply,
  invert,
  iou,
  nonMaximumSuppression,
  type Point,
  similarityTransform,
  tagsOverlap,
} from "../src/vision/geometry";
import { CANONICAL } from "./canonical";

describe("geometry", () => {
  it("computes IoU", () => {
    expect(iou([0, 0, 2, 2], [1, 0, 2, 2])).toBeCloseTo(1 / 3);
    expect(iou([0, 0, 0, 0], [0, 0, 0, 0])).toBe(0);
  });

  it("suppresses overlapping boxes; ties keep their order", () => {
    const boxes = [[0, 0, 4, 4], [0, 0, 4, 5], [9, 9, 2, 2]] as const;
    expect(nonMaximumSuppression(boxes, [0.5, 0.9, 0.5], 0.4)).toEqual([1, 2]);
    expect(nonMaximumSuppression(boxes, [0.5, 0.5, 0.5], 0.4)).toEqual([0, 2]);
  });

  it("detects overlapping tags", () => {
    expect(tagsOverlap([])).toBe(false);
    expect(tagsOverlap([[0.1, 0.1], [0.5, 0.1], [0.1, 0.3]])).toBe(false);
    expect(tagsOverlap([[0.1, 0.1], [0.9, 0.9], [0.2, 0.15]])).toBe(true);
  });

  it("finds a similarity transform and its inverse", () => {
    const turned = CANONICAL.map(([x, y]): Point => [3 - 2 * y, 2 * x + 7]);
    const matrix = similarityTransform(CANONICAL, turned);
    CANONICAL.forEach((point, i) => {
      const [x, y] = apply(matrix, point);
      expect(x).toBeCloseTo(turned[i][0]);
      expect(y).toBeCloseTo(turned[i][1]);
      expect(apply(invert(matrix), [x, y])[0]).toBeCloseTo(point[0]);
    });
    expect(() => similarityTransform([[1, 1], [1, 1]], [[0, 0], [1, 1]])).toThrow("coincide");
  });
});

describe("alignment", () => {
  it("leaves a canonical crop unchanged", () => {
    const data = Uint8Array.from({ length: 48 * 48 }, (_, i) => (i * 7) % 256);
    const crop = cropFace({ width: 48, height: 48, data }, alignmentMatrix(CANONICAL), 48);
    expect(Array.from(crop.data)).toEqual(Array.from(data));
  });

  it("replicates the image border", () => {
    const grey = { width: 2, height: 2, data: Uint8Array.of(10, 20, 30, 40) };
    const crop = cropFace(grey, [1, 0, 1, 0, 1, 1], 4);
    expect(Array.from(crop.data)).toEqual([10, 10, 20, 20, 10, 10, 20, 20, 30, 30, 40, 40, 30, 30, 40, 40]);
  });

  it("rejects coincident and non-finite points", () => {
    expect(canAlign(CANONICAL)).toBe(true);
    expect(canAlign(CANONICAL.map(() => [5, 5] as const))).toBe(false);
    expect(canAlign([[Number.NaN, 0], ...CANONICAL.slice(1)])).toBe(false);
  });
});
