/** Calibrated probabilities, prediction sets and reasons for doubt. */

import { CROP_SIZE } from "./alignment";
import type { Point } from "./geometry";
import { EMOTIONS, type Emotion } from "./labels";
import type { Grey } from "./raster";

export type Doubt = "small" | "blurred" | "turned away" | "occluded" | "too dark or too bright" | "ambiguous";

// Limits of the image quality, as in `mien.vision.quality`.
/** Minimum distance of the eyes in pixels of the image. */
const MIN_EYE_DISTANCE = 6;
/** Minimum of `sharpness`. */
const MIN_SHARPNESS = 0.02;
/** Range of the crop's mean, in grey levels. */
const BRIGHTNESS = [15, 243] as const;
/** Minimum standard deviation of the crop, in grey levels. */
const MIN_CONTRAST = 1.5;
/** Maximum of `turn`. */
const MAX_TURN = 0.75;
/** Tolerance of the conformal quantile, for rounding. */
const ROUNDING = 1e-6;

/** Softmax with temperature scaling. */
export function softmax(logits: ArrayLike<number>, temperature: number): number[] {
  const scaled = Array.from(logits, (value) => value / temperature);
  const max = Math.max(...scaled);
  const exponents = scaled.map((value) => Math.exp(value - max));
  const sum = exponents.reduce((a, b) => a + b, 0);
  return exponents.map((value) => value / sum);
}

/** Split-conformal prediction set of about 90 % coverage, most probable first; never empty. */
export function predictionSet(probabilities: readonly number[], quantile: number): Emotion[] {
  const ranked = EMOTIONS.map((_, i) => i).sort((i, j) => probabilities[j] - probabilities[i] || i - j);
  const members = ranked.filter((i) => 1 - probabilities[i] <= quantile + ROUNDING);
  return (members.length ? members : ranked).map((i) => EMOTIONS[i]);
}

/** The first defect of the image that makes a reading doubtful. */
export function doubtOf(points: readonly Point[], crop: Grey): Doubt | null {
  const count = crop.data.length;
  const brightness = crop.data.reduce((a, b) => a + b, 0) / count;
  const contrast = Math.sqrt(crop.data.reduce((sum, value) => sum + (value - brightness) ** 2, 0) / count);
  const [right, left] = points;
  if (Math.hypot(left[0] - right[0], left[1] - right[1]) < MIN_EYE_DISTANCE) return "small";
  const exposed = brightness >= BRIGHTNESS[0] && brightness <= BRIGHTNESS[1];
  if (contrast < MIN_CONTRAST || !exposed) return "too dark or too bright";
  if (turn(points) > MAX_TURN) return "turned away";
  return sharpness(crop, contrast) < MIN_SHARPNESS ? "blurred" : null;
}

/** Offset of the nose from the midpoints of the eyes and of the mouth corners, 0 (frontal) to 1. */
function turn([rightEye, leftEye, nose, rightMouth, leftMouth]: readonly Point[]): number {
  const offset = (right: Point, left: Point) => {
    const [x, y] = [left[0] - right[0], left[1] - right[1]];
    const [u, v] = [nose[0] - (right[0] + left[0]) / 2, nose[1] - (right[1] + left[1]) / 2];
    return Math.abs(u * x + v * y) / Math.max((x * x + y * y) / 2, 1e-9);
  };
  return Math.min((offset(rightEye, leftEye) + offset(rightMouth, leftMouth)) / 2, 1);
}

/** Variance of the Laplacian at unit contrast; the border is reflected. */
function sharpness({ width, height, data }: Grey, contrast: number): number {
  const at = (x: number, y: number) => data[reflected(y, height) * width + reflected(x, width)];
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
  return (variance / Math.max(contrast, 1) ** 2) * (CROP_SIZE / height);
}

function reflected(index: number, size: number): number {
  if (index < 0) return -index;
  return index >= size ? 2 * size - 2 - index : index;
}
