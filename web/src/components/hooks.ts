/** What views share: files dropped on the window, the focus, networks loaded in time. */

import { useEffect, useRef, useState } from "preact/hooks";
import { device } from "../device/device";
import { models, place } from "../state";

const carriesFiles = ({ dataTransfer }: DragEvent) => dataTransfer?.types.includes("Files") ?? false;

/** Take files that are dropped anywhere in the window; tells whether some are over it. */
export function useDroppedFiles(onFiles: (files: File[]) => void): boolean {
  const [over, setOver] = useState(false);
  const take = useRef(onFiles);
  take.current = onFiles;
  useEffect(() => {
    const stop = new AbortController();
    const { signal } = stop;
    const enter = (event: DragEvent) => {
      if (!carriesFiles(event) || !event.dataTransfer) return;
      event.dataTransfer.dropEffect = "copy";
      setOver(true);
    };
    const leave = (event: DragEvent) => {
      if (!event.relatedTarget) setOver(false);
    };
    const drop = ({ dataTransfer }: DragEvent) => {
      setOver(false);
      if (dataTransfer?.files.length) take.current(Array.from(dataTransfer.files));
    };
    addEventListener("dragover", enter, { signal });
    addEventListener("dragleave", leave, { signal });
    addEventListener("drop", drop, { signal });
    return () => stop.abort();
  }, []);
  return over;
}

/** A browser goes to a file that nobody takes, and everything that was read would be lost. */
export function refuseDrops(): void {
  addEventListener("dragover", (event) => {
    if (!carriesFiles(event) || !event.dataTransfer) return;
    event.preventDefault();
    event.dataTransfer.dropEffect = "none";
  });
  addEventListener("drop", (event) => {
    if (carriesFiles(event)) event.preventDefault();
  });
}

/** When a change took away what had the focus, what stands in its place takes it. */
export function useFocusKept(change: unknown, ...places: readonly string[]): void {
  const before = useRef(change);
  useEffect(() => {
    if (before.current !== change && document.activeElement === document.body) {
      const found = places.map((place) => document.querySelector<HTMLElement>(`main ${place}`));
      found.find((element) => element)?.focus({ preventScroll: true });
    }
    before.current = change;
  }, [change]);
}

/** Show a dialog from its heading on; by itself a browser goes to the first button, below what is to be read. */
export function useShown(dialog: { readonly current: HTMLDialogElement | null }, shown = true): void {
  useEffect(() => {
    if (!shown) return;
    dialog.current?.showModal();
    dialog.current?.querySelector<HTMLElement>("h2")?.focus();
  }, [shown]);
}

/** Load the networks while the page has nothing to do, so that a view that is open can read offline. */
export function useNetworks(): void {
  const known = models.value;
  const here = place.value === "browser";
  useEffect(() => {
    if (!known || !here) return;
    // What fails now is tried again, and said, when something is to be read.
    const load = () => void device.load(known).catch(() => undefined);
    if (!("requestIdleCallback" in window)) {
      const timer = setTimeout(load, 200);
      return () => clearTimeout(timer);
    }
    const asked = requestIdleCallback(load, { timeout: 2000 });
    return () => cancelIdleCallback(asked);
  }, [known, here]);
}
