/** Pause between requests or polls; a signal that is aborted ends it. */
export function sleep(ms: number, stop?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
    stop?.addEventListener("abort", () => resolve());
  });
}
