/** Counts the network requests of this page, to show when there are none. */

import { signal } from "@preact/signals";

/** Requests since the count was last set to zero. */
export const requests = signal(0);

/** Count what performance observers do not see: socket messages, uploads in progress. */
export function counted(): void {
  requests.value++;
}

export function startCounting(): void {
  requests.value = 0;
}

/** Count fetched resources, except those of kinds that are counted elsewhere. */
export function observe(notice: (count: number) => void, elsewhere: readonly string[] = []): void {
  new PerformanceObserver((list) => {
    const fetched = list.getEntriesByType("resource") as PerformanceResourceTiming[];
    const foreign = fetched.filter(
      ({ name, initiatorType }) => /^https?:/.test(name) && !elsewhere.includes(initiatorType),
    );
    if (foreign.length) notice(foreign.length);
  }).observe({ type: "resource" });
}
