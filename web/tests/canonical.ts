import type { Point } from "../src/vision/geometry";

/** Where the landmarks of an average face lie in the canonical crop. */
export const CANONICAL: Point[] = [
  [14.6, 18.4],
  [32.7, 18.2],
  [23.5, 28.3],
  [16.6, 36.2],
  [31.6, 35.9],
];
