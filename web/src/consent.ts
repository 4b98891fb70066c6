/** The agreement: the version of the notice and the time, in this browser alone. */

import { signal } from "@preact/signals";

export interface Agreement {
  readonly version: string;
  readonly time: string;
}

const KEY = "mien.consent";

export const agreement = signal<Agreement | null>(stored());

export function agree(version: string, now = new Date()): void {
  agreement.value = { version, time: now.toISOString() };
  localStorage.setItem(KEY, JSON.stringify(agreement.value));
}

export function withdraw(): void {
  agreement.value = null;
  localStorage.removeItem(KEY);
}

/** Whether this very version has been agreed to. */
export function agreedTo(version: string): boolean {
  return agreement.value?.version === version;
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
