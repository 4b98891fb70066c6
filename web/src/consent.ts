/** Consent to the notice: its version and the time, stored only in this browser. */

import { signal } from "@preact/signals";
import type { Place } from "./state";

interface Agreement {
  readonly version: string;
  readonly time: string;
}

const KEY = "mien.consent";
/** Suffix of the version if pictures may be sent to the server. */
const SERVER = "+server";

export const agreement = signal<Agreement | null>(stored());

/** Record consent to a version of the notice for a place. */
export function agree(version: string, place: Place, now = new Date()): void {
  agreement.value = { version: versionFor(version, place), time: now.toISOString() };
  try {
    localStorage.setItem(KEY, JSON.stringify(agreement.value));
  } catch {
    // Without storage, the consent holds until the page is closed.
  }
}

export function withdraw(): void {
  agreement.value = null;
  try {
    localStorage.removeItem(KEY);
  } catch {
    // Nothing was stored.
  }
}

/** Follow what another tab has agreed to or withdrawn. */
export function followStorage({ key }: StorageEvent): void {
  if (key === KEY || key === null) agreement.value = stored();
}

/** Whether there is consent to this version; consent for the server covers this browser. */
export function agreedTo(version: string, place: Place): boolean {
  const agreed = agreement.value?.version;
  return agreed === versionFor(version, "server") || agreed === versionFor(version, place);
}

/** The version of the notice agreed to, and whether the consent covers the server. */
export function agreedVersion({ version }: Agreement): [version: string, server: boolean] {
  const server = version.endsWith(SERVER);
  return [server ? version.slice(0, -SERVER.length) : version, server];
}

function versionFor(version: string, place: Place): string {
  return place === "server" ? version + SERVER : version;
}

function stored(): Agreement | null {
  try {
    const found: unknown = JSON.parse(localStorage.getItem(KEY) ?? "null");
    return isAgreement(found) ? found : null;
  } catch {
    return null;
  }
}

function isAgreement(value: unknown): value is Agreement {
  return (
    typeof value === "object" &&
    value !== null &&
    "version" in value &&
    "time" in value &&
    typeof value.version === "string" &&
    typeof value.time === "string"
  );
}
