/** From logits to calibrated probabilities, prediction sets and doubts. */

import type { Point } from "./geometry";
import { EMOTIONS, type Emotion } from "./labels";
import type { Grey } from "./raster";

export type Doubt = "small" | "blurred" | "turned away" | "occluded" | "too dark or too bright" | "ambiguous";

export function softmax(logits: ArrayLike<number>, temperature: number): number[] {
  const scaled = Array.from(logits, (value) => value / temperature);
  const top = Math.max(...scaled);
  const exponents = scaled.map((value) => Math.exp(value - top));
  const sum = exponents.reduce((a, b) => a + b, 0);
  return exponents.map((value) => value / sum);
}

/** Split-conformal prediction set of about 90 % coverage, most probable first; all if empty. */
export function predictionSet(probabilities: readonly number[], quantile: number): Emotion[] {
  const ranked = EMOTIONS.map((_, i) => i).sort((i, j) => probabilities[j] - probabilities[i] || i - j);
  const members = ranked.filter((i) => 1 - probabilities[i] <= quantile + 1e-6);
  return (members.length ? members : ranked).map((i) => EMOTIONS[i]);
}

/** The first reason not to trust a reading, measured on the face alone. */
export function doubtOf(points: readonly Point[], crop: Grey): Doubt | null {
  const count = crop.data.length;
  const mean = crop.data.reduce((a, b) => a + b, 0) / count;
  const contrast = Math.sqrt(crop.data.reduce((sum, value) => sum + (value - mean) ** 2, 0) / count);
  const [right, left] = points;
  if (Math.hypot(left[0] - right[0], left[1] - right[1]) < 6) return "small";
  if (contrast < 1.5 || mean < 15 || mean > 243) return "too dark or too bright";
  if (turn(points) > 0.75) return "turned away";
  return sharpness(crop, contrast) < 0.02 ? "blurred" : null;
}

/** Offset of the nose from the middle of eyes and mouth; 0 for a frontal face. */
function turn([rightEye, leftEye, nose, rightMouth, leftMouth]: readonly Point[]): number {
  const offset = (right: Point, left: Point) => {
    const [x, y] = [left[0] - right[0], left[1] - right[1]];
    const [u, v] = [nose[0] - (right[0] + left[0]) / 2, nose[1] - (right[1] + left[1]) / 2];
    return Math.abs(u * x + v * y) / Math.max((x * x + y * y) / 2, 1e-9);
  };
  return Math.min((offset(rightEye, leftEye) + offset(rightMouth, leftMouth)) / 2, 1);
}

/** Variance of the Laplacian at unit contrast; the border is mirrored. */
function sharpness({ width, height, data }: Grey, contrast: number): number {
  const at = (x: number, y: number) => data[mirror(y, height) * width + mirror(x, width)];
  let [sum, squares] = [0, 0];
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const value = at(x - 1, y) + at(x + 1, y) + at(x, y - 1) + at(x, y + 1) - 4 * at(x, y);
      sum += value;
      squares += value * value;
    }
  }
  const count = width * height;
  const variance = squares / count - (sum / count) ** 2;
  return (variance / Math.max(contrast, 1) ** 2) * (48 / height);
}

function mirror(index: number, size: number): number {
  if (index < 0) return -index;
  return index >= size ? 2 * size - 2 - index : index;
}
