/** Time series as columns. */

/** Seconds first; null without a reading. */
export type Columns = readonly (readonly (number | null)[])[];

/** Largest difference between the times of a film and those of its readings, in seconds. */
const NEAR_S = 0.02;

/** Indices of values without neighbours, which no line would show. */
export function alone(values: readonly (number | null | undefined)[]): number[] {
  const none = (index: number) => (values[index] ?? null) === null;
  return values.flatMap((_, index) => (!none(index) && none(index - 1) && none(index + 1) ? [index] : []));
}

/** Index of the last of ascending times that is not after a moment; 0 if all are. */
export function lastBefore(times: readonly number[], moment: number): number {
  let [low, high] = [0, times.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (times[middle] <= moment + NEAR_S) low = middle + 1;
    else high = middle;
  }
  return Math.max(low - 1, 0);
}
