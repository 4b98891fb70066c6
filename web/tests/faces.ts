/** Faces as they are read, made up for tests. */

import type { Face } from "../src/api/types";
import { EMOTIONS, type Emotion, sentimentOf, valenceOf } from "../src/vision/labels";

export function made(top: Emotion, share = 0.93, x = 10): Face {
  const rest = (1 - share) / 7;
  const values = EMOTIONS.map((name) => (name === top ? share : rest));
  return {
    track_id: null,
    box: { x, y: 10, width: 40, height: 40 },
    score: 0.9,
    landmarks: {
      right_eye: [22, 24],
      left_eye: [38, 24],
      nose: [30, 32],
      right_mouth: [24, 40],
      left_mouth: [36, 40],
    },
    emotions: Object.fromEntries(EMOTIONS.map((name, k) => [name, values[k]])) as Face["emotions"],
    top,
    prediction_set: [top],
    uncertain: false,
    uncertain_reason: null,
    valence: valenceOf(values),
    arousal: 0,
    sentiment: sentimentOf(valenceOf(values)),
    activation: null,
  };
}
