import type { Point } from "../src/vision/geometry";

/** Landmarks of an average face in the canonical crop, in pixels. */
export const CANONICAL: Point[] = [
  [14.6, 18.4],
  [32.7, 18.2],
  [23.5, 28.3],
  [16.6, 36.2],
  [31.6, 35.9],
];
