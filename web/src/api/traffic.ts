/** Count of the network requests of this page, to show when there are none. */

import { signal } from "@preact/signals";

/** Requests since the count was last set to zero. */
export const requests = signal(0);

/** Count a request that performance observers do not see: a socket message, an upload in progress. */
export function countRequest(): void {
  requests.value++;
}

export function resetRequests(): void {
  requests.value = 0;
}

/** Report fetched resources, except those of initiator types that are counted elsewhere. */
export function observeRequests(report: (count: number) => void, elsewhere: readonly string[] = []): void {
  new PerformanceObserver((list) => {
    const fetched = list.getEntriesByType("resource") as PerformanceResourceTiming[];
    const counted = fetched.filter(
      ({ name, initiatorType }) => /^https?:/.test(name) && !elsewhere.includes(initiatorType),
    );
    if (counted.length) report(counted.length);
  }).observe({ type: "resource" });
}
