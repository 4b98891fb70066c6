/** What one live session has shown so far: a window for the chart, and sums for the whole. */

import type { Face } from "../api/types";
import { EMOTIONS, type Sentiment } from "../vision/labels";

export const WINDOW_S = 60;

export class Session {
  /** Columns of the chart: seconds, eight probabilities, valence; null where there was no face. */
  readonly columns: (number | null)[][] = Array.from({ length: EMOTIONS.length + 2 }, () => []);
  readonly seconds: Record<Sentiment, number> = { negative: 0, neutral: 0, positive: 0 };
  #last: number | null = null;

  add(time: number, face: Face | null): void {
    const step = this.#last === null ? 0 : Math.min(time - this.#last, 1);
    this.#last = time;
    if (face) this.seconds[face.sentiment] += step;
    const row = [time, ...EMOTIONS.map((name) => face?.emotions[name] ?? null), face?.valence ?? null];
    this.columns.forEach((column, k) => column.push(row[k]));
    while ((this.columns[0][0] ?? time) < time - WINDOW_S) for (const column of this.columns) column.shift();
  }

  share(sentiment: Sentiment): number {
    const total = this.seconds.negative + this.seconds.neutral + this.seconds.positive;
    return total ? this.seconds[sentiment] / total : 0;
  }
}
