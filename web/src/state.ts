/** State shared by the whole page; only the consent outlives it. */

import { computed, signal } from "@preact/signals";
import { loadModels, Refusal, tokenNeeded } from "./api/client";
import { startCounting } from "./api/traffic";
import type { Models } from "./api/types";
import { strings } from "./strings";

export type Place = "browser" | "server";
export type View = keyof typeof strings.views;

export const place = signal<Place>("browser");
export const models = signal<Models | null>(null);
export const trouble = signal<string | null>(null);
const running = signal<ReadonlyMap<string, Place>>(new Map());
/** Whether pictures are being analysed right now. */
export const analysing = computed(() => running.value.size > 0);
/** Where the current analysis sends pictures, or the next one would. */
export const leaving = computed(() => {
  const places = [...running.value.values()];
  return places.length ? places.includes("server") : place.value === "server";
});
export const view = signal<View>(viewOf(location.hash));

const RETRY_MS = 3000;
/** Time limit for the server's first answer. */
const PATIENCE_MS = 10_000;
const AGAIN_MS = 50;

/** Record where an analysis starts, or that it has ended; the first resets the request count. */
export function setRunning(what: string, where: Place | null): void {
  if (where && !analysing.value) startCounting();
  const next = new Map(running.value);
  if (where) next.set(what, where);
  else next.delete(what);
  running.value = next;
}

export function viewOf(hash: string): View {
  const name = hash.replace(/^#\/?/, "");
  return Object.hasOwn(strings.views, name) ? (name as View) : "live";
}

/** Refuse folders, empty files, and files that have been removed or changed. */
export async function checkFile(file: File): Promise<void> {
  await file.slice(0, 1).arrayBuffer().catch(() => {
    throw new Error(strings.errors.notAFile(file.name));
  });
  if (!file.size) throw new Error(strings.errors.empty(file.name));
}

/** Refuse a file that the server would refuse, before it is sent. */
export function checkSize({ name, size }: File): void {
  const most = models.value?.max_upload;
  if (most && size > most) throw new Error(strings.errors.tooLarge(name, size, most));
}

/** The server's networks and settings, as soon as they are known. */
export async function known(): Promise<Models> {
  for (let waited = 0; !models.value && !trouble.value && waited < PATIENCE_MS; waited += AGAIN_MS) {
    await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
  }
  if (!models.value) throw new Error(strings.errors.offlineModels);
  return models.value;
}

/** Request the server's networks and settings until it answers. */
export async function connect(): Promise<void> {
  try {
    models.value = await loadModels();
    trouble.value = null;
    tokenNeeded.value = false;
  } catch (error) {
    if (error instanceof Refusal && error.status === 401) return;
    const away = error instanceof Refusal && error.status === 0;
    trouble.value = away ? strings.errors.serverGone : error instanceof Error ? error.message : strings.errors.unexpected;
    setTimeout(connect, RETRY_MS);
  }
}
