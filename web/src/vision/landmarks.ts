/** Landmark refinement of upright faces by the third network. */

import { alignmentMatrix, cropFace, zoomed } from "./alignment";
import { type Affine, apply, invert, type Point } from "./geometry";
import type { Proposal } from "./proposals";
import { type Grey, packed } from "./raster";

export const CLOSE_SIZE = 64;
/** Scale of the face in the crop, relative to the canonical crop. */
const CLOSE_ZOOM = 0.8;

function closeMatrix(points: readonly Point[]): Affine {
  return zoomed(alignmentMatrix(points, CLOSE_SIZE), CLOSE_ZOOM, CLOSE_SIZE);
}

/** Crops of n faces: (n, 1, 64, 64). */
export function closeBatch(grey: Grey, faces: readonly Proposal[]): Float32Array {
  return packed(faces.map(({ points }) => cropFace(grey, closeMatrix(points), CLOSE_SIZE)));
}

/** The faces with the weighted mean of their landmarks and those of the network, (n, 10). */
export function placed(faces: readonly Proposal[], values: Float32Array, share: number): Proposal[] {
  return faces.map((face, index) => {
    const back = invert(closeMatrix(face.points));
    const points = face.points.map(([x, y], k): Point => {
      const at = index * 2 * face.points.length + 2 * k;
      const seen = [values[at], values[at + 1]].map((place) => place * CLOSE_SIZE + (CLOSE_SIZE - 1) / 2);
      const [u, v] = apply(back, [seen[0], seen[1]]);
      return [share * u + (1 - share) * x, share * v + (1 - share) * y];
    });
    return { ...face, points };
  });
}
