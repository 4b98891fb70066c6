/** Look-ups in time series that are stored as columns. */

/** The times in seconds, then the series; null without a reading. */
export type Columns = readonly (readonly (number | null)[])[];

/** Maximum difference between the times of the player and those of the readings, in seconds. */
const TOLERANCE_S = 0.02;

/** Indices of values without neighbours, which a line chart does not show. */
export function isolated(values: readonly (number | null | undefined)[]): number[] {
  const missing = (index: number) => (values[index] ?? null) === null;
  return values.flatMap((_, index) => (!missing(index) && missing(index - 1) && missing(index + 1) ? [index] : []));
}

/** Index of the last of ascending times that is not after a time; 0 if all are. */
export function indexAt(times: readonly number[], time: number): number {
  let [low, high] = [0, times.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (times[middle] <= time + TOLERANCE_S) low = middle + 1;
    else high = middle;
  }
  return Math.max(low - 1, 0);
}
