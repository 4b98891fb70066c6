/** Counts what this page asks of the network, so that it can show when it asks for nothing. */

import { signal } from "@preact/signals";

/** Requests since the count was last set to zero. */
export const requests = signal(0);

/** The page's own clients say what observers cannot see: messages on a socket, uploads under way. */
export function counted(): void {
  requests.value++;
}

export function startCounting(): void {
  requests.value = 0;
}

/** Resources that have been fetched, however, but for those of kinds that are counted elsewhere. */
export function observe(notice: (count: number) => void, elsewhere: readonly string[] = []): void {
  new PerformanceObserver((list) => {
    const fetched = list.getEntriesByType("resource") as PerformanceResourceTiming[];
    const foreign = fetched.filter(
      ({ name, initiatorType }) => /^https?:/.test(name) && !elsewhere.includes(initiatorType),
    );
    if (foreign.length) notice(foreign.length);
  }).observe({ type: "resource" });
}
