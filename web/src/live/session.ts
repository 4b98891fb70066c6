/** What one live session has shown so far: a window for the chart, and sums for the whole. */

import type { Face } from "../api/types";
import { EMOTIONS, type Sentiment } from "../vision/labels";

export const WINDOW_S = 60;
/** Readings further apart, as before and after a pause, are not joined. */
const APART_S = 3;

export class Session {
  /** Columns of the chart: seconds, eight probabilities, valence; null where there was no face. */
  readonly columns: (number | null)[][] = Array.from({ length: EMOTIONS.length + 2 }, () => []);
  readonly seconds: Record<Sentiment, number> = { negative: 0, neutral: 0, positive: 0 };
  #last: number | null = null;

  add(time: number, face: Face | null): void {
    const before = this.#last ?? time;
    this.#last = time;
    if (face) this.seconds[face.sentiment] += Math.min(time - before, 1);
    if (time - before > APART_S) this.#push((before + time) / 2, null);
    this.#push(time, face);
    while ((this.columns[0][0] ?? time) < time - WINDOW_S) for (const column of this.columns) column.shift();
  }

  /** How many readings a second there were of late; null where there was but one. */
  get perSecond(): number | null {
    const [times] = this.columns as number[][];
    const end = times.at(-1) ?? 0;
    const late = times.filter((time) => time >= end - APART_S);
    return late.length > 1 ? (late.length - 1) / (end - late[0]) : null;
  }

  #push(time: number, face: Face | null): void {
    const row = [time, ...EMOTIONS.map((name) => face?.emotions[name] ?? null), face?.valence ?? null];
    this.columns.forEach((column, k) => column.push(row[k]));
  }

  share(sentiment: Sentiment): number {
    const total = this.seconds.negative + this.seconds.neutral + this.seconds.positive;
    return total ? this.seconds[sentiment] / total : 0;
  }
}
