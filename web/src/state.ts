/** State shared by the whole page; only the consent is stored. */

import { computed, signal } from "@preact/signals";
import { ApiError, loadModels, MODELS_TIMEOUT_MS, tokenNeeded } from "./api/client";
import { sleep } from "./api/sleep";
import { resetRequests } from "./api/traffic";
import type { Models } from "./api/types";
import { strings } from "./strings";

export type Place = "browser" | "server";
export type View = keyof typeof strings.views;

export const place = signal<Place>("browser");
export const models = signal<Models | null>(null);
/** Why the server's networks and settings are not known, or null. */
export const connectionProblem = signal<string | null>(null);
const running = signal<ReadonlyMap<string, Place>>(new Map());
/** Whether pictures are being analysed right now. */
export const analysing = computed(() => running.value.size > 0);
/** Whether the current analysis sends pictures to the server, or the next one would. */
export const sendsToServer = computed(() => {
  const places = [...running.value.values()];
  return places.length ? places.includes("server") : place.value === "server";
});
export const view = signal<View>(viewOf(location.hash));

const RETRY_MS = 3000;
const POLL_MS = 50;

/** Record where an analysis runs, or that it has ended (null); the first resets the request count. */
export function setRunning(task: string, where: Place | null): void {
  if (where && !analysing.value) resetRequests();
  const next = new Map(running.value);
  if (where) next.set(task, where);
  else next.delete(task);
  running.value = next;
}

export function viewOf(hash: string): View {
  const name = hash.replace(/^#\/?/, "");
  return Object.hasOwn(strings.views, name) ? (name as View) : "live";
}

/** Reject folders, empty files, and files that have been removed or changed. */
export async function checkFile(file: File): Promise<void> {
  await file.slice(0, 1).arrayBuffer().catch(() => {
    throw new Error(strings.errors.notAFile(file.name));
  });
  if (!file.size) throw new Error(strings.errors.empty(file.name));
}

/** Reject a file that is too large for the server, before it is sent. */
export function checkSize({ name, size }: File): void {
  const limit = models.value?.max_upload;
  if (limit && size > limit) throw new Error(strings.errors.tooLarge(name, size, limit));
}

/** The message of an error, to show; those of the browser are not written for users. */
export function messageOf(error: unknown): string {
  const own = error instanceof ApiError || (error instanceof Error && error.constructor === Error);
  return own ? error.message : strings.errors.unexpected;
}

/** Wait for the server's networks and settings. */
export async function awaitModels(): Promise<Models> {
  for (let waited = 0; !models.value && !connectionProblem.value && waited < MODELS_TIMEOUT_MS; waited += POLL_MS) {
    await sleep(POLL_MS);
  }
  if (!models.value) throw new Error(strings.errors.modelsNotLoaded);
  return models.value;
}

/** Request the server's networks and settings, repeatedly until it answers. */
export async function connect(): Promise<void> {
  try {
    models.value = await loadModels();
    connectionProblem.value = null;
    tokenNeeded.value = false;
  } catch (error) {
    if (error instanceof ApiError && error.status === 401) return;
    const unreachable = error instanceof ApiError && error.status === 0;
    connectionProblem.value = unreachable ? strings.errors.reconnecting : messageOf(error);
    setTimeout(connect, RETRY_MS);
  }
}
