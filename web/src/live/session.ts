/** The readings of one live session: a window for the chart, and totals. */

import type { Face } from "../api/types";
import { EMOTIONS, type Sentiment } from "../vision/labels";

/** Length of the chart in seconds. */
export const WINDOW_S = 60;
/** Maximum time between readings that are joined in the chart. */
const MAX_GAP_S = 3;

export class Session {
  /** Columns of the chart: seconds, eight probabilities, valence; null without a face. */
  readonly columns: (number | null)[][] = Array.from({ length: EMOTIONS.length + 2 }, () => []);
  /** Time of each sentiment in seconds. */
  readonly seconds: Record<Sentiment, number> = { negative: 0, neutral: 0, positive: 0 };
  /** Times of the readings of the last `MAX_GAP_S`. */
  #recent: number[] = [];
  #id: number | null = null;

  /** Add a reading of the face with this track id; readings of different faces are not joined. */
  add(time: number, face: Face | null, id: number | null = null): void {
    const previous = this.#recent.at(-1) ?? time;
    if (face) this.seconds[face.sentiment] += Math.min(time - previous, 1);
    const otherFace = id !== null && this.#id !== null && id !== this.#id;
    if (otherFace || time - previous > MAX_GAP_S) this.#push((previous + time) / 2, null);
    this.#push(time, face);
    this.#recent = [...this.#recent.filter((one) => one >= time - MAX_GAP_S), time];
    this.#id = id;
    while ((this.columns[0][0] ?? time) < time - WINDOW_S) for (const column of this.columns) column.shift();
  }

  /** Recent readings per second; null after only one. */
  get perSecond(): number | null {
    const [first, ...more] = this.#recent;
    const end = more.at(-1);
    return end === undefined ? null : more.length / (end - first);
  }

  #push(time: number, face: Face | null): void {
    const row = [time, ...EMOTIONS.map((name) => face?.emotions[name] ?? null), face?.valence ?? null];
    this.columns.forEach((column, k) => column.push(row[k]));
  }

  /** Share of a sentiment in the time with a face; null without any. */
  share(sentiment: Sentiment): number | null {
    const total = this.seconds.negative + this.seconds.neutral + this.seconds.positive;
    return total ? this.seconds[sentiment] / total : null;
  }
}
