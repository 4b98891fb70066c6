/** Files created in the page: readings as JSON (schema mien/1) and CSV, events as CSV. */

import type { Event, Face, Frame, Item, Model } from "./api/types";
import { EMOTIONS } from "./vision/labels";

/** The document of schema mien/1, which has no activation maps. */
export function jsonOf(items: readonly Item[], networks: readonly Model[]): string {
  const model = Object.fromEntries(
    networks.map(({ name, version, precision, sha256 }) => [name, { version, precision, sha256 }]),
  );
  const plain = (key: string, value: unknown) => (key === "activation" ? undefined : value);
  return JSON.stringify({ schema: "mien/1", model, items }, plain, 2);
}

export const CSV_HEADER = [
  "source,frame,time_s,face,track_id,x,y,width,height,score,top",
  ...EMOTIONS,
  "valence,arousal,sentiment,uncertain",
].join(",");

/** One row per face, in the format of the server. */
export function csvOf(items: readonly Item[]): string {
  const rows = items.flatMap(({ source, frames }) =>
    frames.flatMap((frame) => frame.faces.map((face, number) => csvRow(source, frame, number, face))),
  );
  return `${[CSV_HEADER, ...rows].join("\n")}\n`;
}

const EVENT_COLUMNS = ["track_id", "expression", "onset_s", "apex_s", "offset_s", "duration_s", "peak"] as const;

/** A row per event, as the server writes it. */
export function eventsCsvOf(source: string, events: readonly Event[]): string {
  const rows = events.map((event) => [quoted(source), ...EVENT_COLUMNS.map((name) => event[name])].join(","));
  return `${[["source", ...EVENT_COLUMNS].join(","), ...rows].join("\n")}\n`;
}

function csvRow(source: string, frame: Frame, number: number, face: Face): string {
  const { x, y, width, height } = face.box;
  const rounded = (value: number, places: number) => String(Number(value.toFixed(places)));
  return [
    quoted(source),
    frame.index,
    rounded(frame.time_s, 6),
    number,
    face.track_id ?? "",
    ...[x, y, width, height].map((value) => rounded(value, 2)),
    rounded(face.score, 4),
    face.top,
    ...EMOTIONS.map((name) => rounded(face.emotions[name], 4)),
    rounded(face.valence, 4),
    rounded(face.arousal, 4),
    face.sentiment,
    face.uncertain,
  ].join(",");
}

function quoted(name: string): string {
  // Spreadsheets would run a name that begins like a formula.
  const text = /^[=+\-@\t\r]/.test(name) ? `'${name}` : name;
  return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** Save a file by the browser's download. */
export function save(name: string, type: string, content: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([content], { type }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
