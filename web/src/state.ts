/** What the whole page shares. Nothing of it outlives the page but the agreement. */

import { signal } from "@preact/signals";
import { loadModels, Refusal } from "./api/client";
import type { Models } from "./api/types";
import { strings } from "./strings";

export type Place = "browser" | "server";
export type View = keyof typeof strings.views;

export const place = signal<Place>("browser");
export const models = signal<Models | null>(null);
export const trouble = signal<string | null>(null);
export const tokenNeeded = signal(false);
/** Whether pictures are being analysed right now. */
export const analysing = signal(false);
export const view = signal<View>(viewOf(location.hash));

const RETRY_MS = 3000;

export function viewOf(hash: string): View {
  const name = hash.replace(/^#\/?/, "");
  return name in strings.views ? (name as View) : "live";
}

/** Ask the server what it has, until it answers. */
export async function connect(): Promise<void> {
  try {
    models.value = await loadModels();
    trouble.value = null;
    tokenNeeded.value = false;
  } catch (error) {
    if (error instanceof Refusal && error.status === 401) {
      tokenNeeded.value = true;
      return;
    }
    trouble.value = error instanceof Error ? error.message : strings.errors.unexpected;
    setTimeout(connect, RETRY_MS);
  }
}
