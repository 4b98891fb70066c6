/** What is read over time, as columns. */

/** Seconds first; null where there was nothing to read. */
export type Columns = readonly (readonly (number | null)[])[];

/** A film's own times and those of its readings differ by less, in seconds. */
const NEAR_S = 0.02;

/** Where there is a value with none before and none after it, which no line shows. */
export function alone(values: readonly (number | null | undefined)[]): number[] {
  const none = (index: number) => (values[index] ?? null) === null;
  return values.flatMap((_, index) => (!none(index) && none(index - 1) && none(index + 1) ? [index] : []));
}

/** The index of the last of some ascending times that is not after a moment; the first if all are. */
export function lastBefore(times: readonly number[], moment: number): number {
  let [low, high] = [0, times.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (times[middle] <= moment + NEAR_S) low = middle + 1;
    else high = middle;
  }
  return Math.max(low - 1, 0);
}
