/** The eight expressions in the order of the network's outputs, with valence and arousal. */

export const EMOTIONS = [
  "neutral",
  "happiness",
  "surprise",
  "sadness",
  "anger",
  "disgust",
  "fear",
  "contempt",
] as const;
export type Emotion = (typeof EMOTIONS)[number];
export type Sentiment = "negative" | "neutral" | "positive";

const VALENCE = [0, 0.8, 0.4, -0.6, -0.5, -0.6, -0.6, -0.5];
const AROUSAL = [0, 0.5, 0.7, -0.3, 0.6, 0.4, 0.6, 0.3];
/** Largest absolute valence of a neutral sentiment. */
const NEUTRAL_VALENCE = 0.1;

const dot = (a: readonly number[], b: readonly number[]) => a.reduce((sum, value, i) => sum + value * b[i], 0);

export const valenceOf = (probabilities: readonly number[]) => dot(probabilities, VALENCE);
export const arousalOf = (probabilities: readonly number[]) => dot(probabilities, AROUSAL);

/** The probabilities by name, the most probable expression, and the affect computed from them. */
export function scoresOf(probabilities: readonly number[]) {
  const valence = valenceOf(probabilities);
  return {
    emotions: Object.fromEntries(EMOTIONS.map((name, k) => [name, probabilities[k]])) as Record<Emotion, number>,
    top: EMOTIONS[probabilities.indexOf(Math.max(...probabilities))],
    valence,
    arousal: arousalOf(probabilities),
    sentiment: sentimentOf(valence),
  };
}

export function sentimentOf(valence: number): Sentiment {
  if (valence > NEUTRAL_VALENCE) return "positive";
  return valence < -NEUTRAL_VALENCE ? "negative" : "neutral";
}
