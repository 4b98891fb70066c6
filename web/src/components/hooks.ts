/** Hooks of the views: dropped files, focus, dialogs, preloading of the networks. */

import { useEffect, useRef, useState } from "preact/hooks";
import { device } from "../device/device";
import { models, place } from "../state";

const carriesFiles = ({ dataTransfer }: DragEvent) => dataTransfer?.types.includes("Files") ?? false;

/** Accept files dropped anywhere in the window; returns whether files are over it. */
export function useDroppedFiles(onFiles: (files: File[]) => void): boolean {
  const [over, setOver] = useState(false);
  const callback = useRef(onFiles);
  callback.current = onFiles;
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
      if (dataTransfer?.files.length) callback.current(Array.from(dataTransfer.files));
    };
    addEventListener("dragover", enter, { signal });
    addEventListener("dragleave", leave, { signal });
    addEventListener("drop", drop, { signal });
    return () => stop.abort();
  }, []);
  return over;
}

/** Without a handler, the browser would open a dropped file and discard the page. */
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

/** Move the focus to the first of some elements if the focused one was removed by a change. */
export function useFocusFallback(change: unknown, ...selectors: readonly string[]): void {
  const before = useRef(change);
  useEffect(() => {
    if (before.current !== change && document.activeElement === document.body) {
      const found = selectors.map((selector) => document.querySelector<HTMLElement>(`main ${selector}`));
      found.find((element) => element)?.focus({ preventScroll: true });
    }
    before.current = change;
  }, [change]);
}

/** Show a modal dialog and focus its heading; browsers would focus the first button, below the text. */
export function useModal(dialog: { readonly current: HTMLDialogElement | null }, shown = true): void {
  useEffect(() => {
    if (!shown) return;
    dialog.current?.showModal();
    dialog.current?.querySelector<HTMLElement>("h2")?.focus();
  }, [shown]);
}

/** Load the networks while the page is idle, so that an open view works offline. */
export function useNetworks(): void {
  const loaded = models.value;
  const here = place.value === "browser";
  useEffect(() => {
    if (!loaded || !here) return;
    // A failure is reported at the first reading, which loads them again.
    const load = () => void device.load(loaded).catch(() => undefined);
    if (!("requestIdleCallback" in window)) {
      const timer = setTimeout(load, 200);
      return () => clearTimeout(timer);
    }
    const handle = requestIdleCallback(load, { timeout: 2000 });
    return () => cancelIdleCallback(handle);
  }, [loaded, here]);
}
