/** Photographs: read one at a time, in this page or on the server, and kept until they are removed. */

import { signal } from "@preact/signals";
import { analyzePicture } from "../api/client";
import type { Item } from "../api/types";
import { device } from "../device/device";
import { awaitModels, checkFile, checkSize, messageOf, type Place, place, setRunning } from "../state";
import { strings } from "../strings";
import { isAnimated } from "./animation";

export interface Picture {
  readonly id: number;
  readonly file: File;
  readonly url: string;
  /** The place selected when it was added, or last read again. */
  readonly where: Place;
  readonly item?: Item;
  readonly problem?: string;
  readonly note?: string;
}

export const pictures = signal<readonly Picture[]>([]);
const stops = new Map<number, AbortController>();
let lastId = 0;
let taskCount = 0;

export function addPictures(files: readonly File[]): Promise<void> {
  const where = place.value;
  const added = files.map((file) => ({ file, id: ++lastId, where, url: URL.createObjectURL(file) }));
  pictures.value = [...pictures.value, ...added];
  for (const { id } of added) stops.set(id, new AbortController());
  return readEach(added);
}

/** Read pictures again in the place selected now, with activation maps if requested. */
export function readAgain(chosen: readonly Picture[], activation = false): Promise<void> {
  const where = place.value;
  for (const { id } of chosen) change(id, { where, problem: undefined });
  return readEach(chosen.map((picture) => ({ ...picture, where })), activation);
}

/** Stop reading a picture, and remove it. */
export function removePicture(id: number): void {
  stops.get(id)?.abort();
  stops.delete(id);
  for (const picture of pictures.value) if (picture.id === id) URL.revokeObjectURL(picture.url);
  pictures.value = pictures.value.filter((picture) => picture.id !== id);
}

export function clearPictures(): void {
  for (const { id } of pictures.value) removePicture(id);
}

async function readEach(batch: readonly Picture[], activation = false): Promise<void> {
  const task = `photos ${++taskCount}`;
  const where = batch[0]?.where ?? null;
  // Requests for the networks are not counted; if they fail, each picture reports it.
  if (where === "browser") await loadNetworks().catch(() => undefined);
  setRunning(task, where);
  for (const picture of batch) {
    const stop = stops.get(picture.id)?.signal;
    if (!stop) continue;
    try {
      change(picture.id, { item: await read(picture, activation, stop) });
    } catch (error) {
      if (!stop.aborted) change(picture.id, { problem: messageOf(error) });
    }
  }
  setRunning(task, null);
}

async function loadNetworks(): Promise<void> {
  await device.load(await awaitModels());
}

async function read({ id, file, where }: Picture, activation: boolean, stop: AbortSignal): Promise<Item> {
  await checkFile(file);
  if (file.type.startsWith("video/")) throw new Error(strings.errors.notAPhoto(file.name));
  if (where === "server") {
    checkSize(file);
    const note = (message: string) => change(id, { note: message });
    return (await analyzePicture(file, activation, { stop, note })).items[0];
  }
  await loadNetworks();
  if (await isAnimated(file)) throw new Error(strings.errors.notAPhoto(file.name));
  const bitmap = await createImageBitmap(file, { colorSpaceConversion: "none" }).catch(() => {
    throw new Error(strings.errors.notAPicture(file.name));
  });
  const { width, height, faces } = await device.readStill(bitmap, activation);
  return { source: file.name, kind: "image", width, height, frames: [{ index: 0, time_s: 0, faces }] };
}

function change(id: number, update: Partial<Picture>): void {
  pictures.value = pictures.value.map((picture) => (picture.id === id ? { ...picture, ...update } : picture));
}
