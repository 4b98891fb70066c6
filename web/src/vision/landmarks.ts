/** Landmark network, the third stage of face detection: refines the five landmarks. */

import { alignmentMatrix, cropFace, zoomed } from "./alignment";
import { type Affine, apply, invert, type Point } from "./geometry";
import type { Proposal } from "./proposals";
import { type Grey, toBatch } from "./raster";

/** Side of the network's input crop in pixels. */
export const CLOSE_SIZE = 64;
/** Zoom of the network's input crop relative to the canonical crop. */
const CLOSE_ZOOM = 0.8;

function closeMatrix(points: readonly Point[]): Affine {
  return zoomed(alignmentMatrix(points, CLOSE_SIZE), CLOSE_ZOOM, CLOSE_SIZE);
}

/** Aligned crops of n faces: (n, 1, 64, 64). */
export function closeBatch(grey: Grey, faces: readonly Proposal[]): Float32Array {
  return toBatch(faces.map(({ points }) => cropFace(grey, closeMatrix(points), CLOSE_SIZE)));
}

/** From an offset from the crop's centre, in units of its side, to pixels of the crop. */
const toPixels = (offset: number) => offset * CLOSE_SIZE + (CLOSE_SIZE - 1) / 2;

/** The faces, their landmarks averaged with those of the network, (n, 10), of weight `share`. */
export function placed(faces: readonly Proposal[], values: Float32Array, share: number): Proposal[] {
  return faces.map((face, index) => {
    const inverse = invert(closeMatrix(face.points));
    const points = face.points.map(([x, y], k): Point => {
      const at = index * 2 * face.points.length + 2 * k;
      const [u, v] = apply(inverse, [toPixels(values[at]), toPixels(values[at + 1])]);
      return [share * u + (1 - share) * x, share * v + (1 - share) * y];
    });
    return { ...face, points };
  });
}
