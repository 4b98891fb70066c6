/** Boxes are [x, y, width, height]; matrices are [a, b, c, d, e, f]: x' = ax + by + c, y' = dx + ey + f. */

export type Box = readonly [number, number, number, number];
export type Point = readonly [number, number];
export type Affine = readonly [number, number, number, number, number, number];

export function clamp(value: number, low: number, high: number): number {
  return Math.min(Math.max(value, low), high);
}

export function intersectionArea(a: Box, b: Box): number {
  const width = Math.min(a[0] + a[2], b[0] + b[2]) - Math.max(a[0], b[0]);
  const height = Math.min(a[1] + a[3], b[1] + b[3]) - Math.max(a[1], b[1]);
  return Math.max(width, 0) * Math.max(height, 0);
}

export function iou(a: Box, b: Box): number {
  const intersection = intersectionArea(a, b);
  const union = a[2] * a[3] + b[2] * b[3] - intersection;
  return union > 0 ? intersection / union : 0;
}

/** Indices of the boxes that are kept, best score first; ties keep their order. */
export function nonMaximumSuppression(boxes: readonly Box[], scores: readonly number[], threshold: number): number[] {
  const order = scores.map((_, index) => index).sort((i, j) => scores[j] - scores[i] || i - j);
  const kept: number[] = [];
  for (const index of order) {
    if (kept.every((other) => iou(boxes[other], boxes[index]) <= threshold)) kept.push(index);
  }
  return kept;
}

/** Width and height of a text tag, as shares of the smallest picture shown. */
const TAG_SIZE = [0.25, 0.09] as const;

/** Whether tags at these corners, in shares of the picture's size, overlap. */
export function tagsOverlap(corners: readonly Point[]): boolean {
  return corners.some(([x, y], i) =>
    corners.slice(i + 1).some(([u, v]) => Math.abs(x - u) < TAG_SIZE[0] && Math.abs(y - v) < TAG_SIZE[1]),
  );
}

/** The least-squares similarity transform between two point sets, without reflection (Umeyama, 1991). */
export function similarityTransform(source: readonly Point[], target: readonly Point[]): Affine {
  const [ax, ay] = centre(source);
  const [bx, by] = centre(target);
  let spread = 0;
  let cos = 0;
  let sin = 0;
  source.forEach(([x, y], i) => {
    const [u, v] = [x - ax, y - ay];
    const [s, t] = [target[i][0] - bx, target[i][1] - by];
    spread += u * u + v * v;
    cos += u * s + v * t;
    sin += u * t - v * s;
  });
  if (!(spread > 1e-12)) throw new Error("the points coincide: no similarity transform");
  cos /= spread;
  sin /= spread;
  return [cos, -sin, bx - cos * ax + sin * ay, sin, cos, by - sin * ax - cos * ay];
}

export function invert([a, b, c, d, e, f]: Affine): Affine {
  const det = a * e - b * d;
  const [p, q, r, s] = [e / det, -b / det, -d / det, a / det];
  return [p, q, -(p * c + q * f), r, s, -(r * c + s * f)];
}

export function apply([a, b, c, d, e, f]: Affine, [x, y]: Point): Point {
  return [a * x + b * y + c, d * x + e * y + f];
}

function centre(points: readonly Point[]): Point {
  const sum = points.reduce(([x, y], [u, v]) => [x + u, y + v] as const, [0, 0] as Point);
  return [sum[0] / points.length, sum[1] / points.length];
}
