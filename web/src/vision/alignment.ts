/** Face alignment by five landmarks, as in training and on the server. */

import { type Affine, apply, clamp, invert, type Point, similarityTransform } from "./geometry";
import { crop, type Grey, resize } from "./raster";

export const CROP_SIZE = 48;

/** Scales of test-time augmentation for still images, relative to the canonical crop. */
export const ZOOMS: readonly number[] = [0.9, 1, 1.1];

/** Landmark positions in the canonical crop in pixels: medians over FER2013. */
const CANONICAL: readonly Point[] = [
  [14.6, 18.4],
  [32.7, 18.2],
  [23.5, 28.3],
  [16.6, 36.2],
  [31.6, 35.9],
];
/** Minimum extent of the five landmarks, in pixels of the image. */
const MIN_SPREAD = 0.1;

/** Similarity transform that maps five landmarks onto the canonical ones. */
export function alignmentMatrix(points: readonly Point[], size = CROP_SIZE): Affine {
  const scale = size / CROP_SIZE;
  const target = CANONICAL.map(([x, y]): Point => [(x + 0.5) * scale - 0.5, (y + 0.5) * scale - 0.5]);
  return similarityTransform(points, target);
}

/** Whether the landmarks are finite and do not coincide, as alignment requires. */
export function canAlign(points: readonly Point[]): boolean {
  const xs = points.map(([x]) => x);
  const ys = points.map(([, y]) => y);
  const spread = Math.max(Math.max(...xs) - Math.min(...xs), Math.max(...ys) - Math.min(...ys));
  return Number.isFinite(spread) && spread >= MIN_SPREAD;
}

/** The aligned crop, scaled by `zoom` about its centre. */
export function align(picture: Grey, points: readonly Point[], zoom = 1): Grey {
  return cropFace(picture, zoomed(alignmentMatrix(points), zoom, CROP_SIZE), CROP_SIZE);
}

/** The image-to-crop matrix, scaled by `zoom` about the centre of the crop. */
export function zoomed([a, b, c, d, e, f]: Affine, zoom: number, size: number): Affine {
  const shift = ((1 - zoom) * (size - 1)) / 2;
  return [zoom * a, zoom * b, zoom * c + shift, zoom * d, zoom * e, zoom * f + shift];
}

/** Warp to a square crop. Where it shrinks the image, the image is halved first, against aliasing. */
export function cropFace(picture: Grey, matrix: Affine, size: number): Grey {
  let [grey, toCrop] = around(picture, matrix, size);
  let shrink = 1 / Math.max(Math.sqrt(Math.abs(toCrop[0] * toCrop[4] - toCrop[1] * toCrop[3])), 1e-6);
  while (shrink >= 2 && Math.min(grey.width, grey.height) >= 2) {
    const half = resize(grey, Math.floor(grey.width / 2), Math.floor(grey.height / 2));
    toCrop = rescaled(toCrop, grey.width / half.width, grey.height / half.height);
    grey = half;
    shrink /= 2;
  }
  return warp(grey, toCrop, size);
}

/** The part of the image that the crop samples, and the matrix from that part. */
function around(picture: Grey, matrix: Affine, size: number): [Grey, Affine] {
  const inverse = invert(matrix);
  const corners = [
    apply(inverse, [-1, -1]),
    apply(inverse, [size, -1]),
    apply(inverse, [-1, size]),
    apply(inverse, [size, size]),
  ];
  const extent = Math.abs(inverse[0]) + Math.abs(inverse[1]) + Math.abs(inverse[3]) + Math.abs(inverse[4]);
  // The margin gives halving the same neighbours as in the whole image.
  const margin = 8 + 2 * Math.ceil(extent);
  const { width, height } = picture;
  const low = (axis: 0 | 1) => Math.floor(Math.min(...corners.map((corner) => corner[axis]))) - margin;
  const high = (axis: 0 | 1) => Math.ceil(Math.max(...corners.map((corner) => corner[axis]))) + margin;
  const left = clamp(low(0), 0, width - 1);
  const top = clamp(low(1), 0, height - 1);
  const right = Math.max(Math.min(high(0), width), 1, left + 1);
  const bottom = Math.max(Math.min(high(1), height), 1, top + 1);
  const [a, b, c, d, e, f] = matrix;
  return [crop(picture, left, top, right, bottom), [a, b, c + a * left + b * top, d, e, f + d * left + e * top]];
}

/** The matrix from an image shrunk by the ratios, which keeps pixel centres in place. */
function rescaled([a, b, c, d, e, f]: Affine, ratioX: number, ratioY: number): Affine {
  const [x, y] = [ratioX / 2 - 0.5, ratioY / 2 - 0.5];
  return [a * ratioX, b * ratioY, c + a * x + b * y, d * ratioX, e * ratioY, f + d * x + e * y];
}

/** Bilinear sampling; the image border is replicated. */
function warp(grey: Grey, matrix: Affine, size: number): Grey {
  const inverse = invert(matrix);
  const data = new Uint8Array(size * size);
  const column = (x: number) => clamp(x, 0, grey.width - 1);
  const row = (y: number) => clamp(y, 0, grey.height - 1) * grey.width;
  for (let v = 0; v < size; v++) {
    for (let u = 0; u < size; u++) {
      const [x, y] = apply(inverse, [u, v]);
      const [x0, y0] = [Math.floor(x), Math.floor(y)];
      const [p, q] = [x - x0, y - y0];
      const upper = grey.data[row(y0) + column(x0)] * (1 - p) + grey.data[row(y0) + column(x0 + 1)] * p;
      const lower = grey.data[row(y0 + 1) + column(x0)] * (1 - p) + grey.data[row(y0 + 1) + column(x0 + 1)] * p;
      data[v * size + u] = Math.round(upper * (1 - q) + lower * q);
    }
  }
  return { width: size, height: size, data };
}
