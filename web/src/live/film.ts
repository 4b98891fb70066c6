/** One film: sent to the server and followed there, or read moment by moment in this page. */

import { signal } from "@preact/signals";
import { deleteJob, findJob, loadResult, Refusal, uploadFilm } from "../api/client";
import type { Frame, Item, Job } from "../api/types";
import { COARSE, device } from "../device/device";
import { checkFile, checkSize, models, place, setRunning } from "../state";
import { strings } from "../strings";
import { startCounting } from "./traffic";
import { numbering } from "./tracks";

export interface Film {
  readonly file: File;
  readonly url: string;
  readonly stage: "uploading" | "reading" | "done" | "failed";
  readonly share: number | null;
  readonly note: string;
  readonly item?: Item;
  readonly job?: Job;
  readonly problem?: string;
}

const STEP_S = 0.2;
const ASK_MS = 700;
/** For a film to open, or to go to a moment. */
const PATIENCE_MS = 30_000;
const AGAIN_MS = 20;

export const film = signal<Film | null>(null);
let stop = new AbortController();

export async function openFilm(file: File): Promise<void> {
  forgetFilm();
  stop = new AbortController();
  const { signal: stopped } = stop;
  const where = place.value;
  const stage = where === "server" ? "uploading" : "reading";
  film.value = { file, url: URL.createObjectURL(file), stage, share: 0, note: "" };
  setRunning("film", where);
  try {
    await checkFile(file);
    if (stopped.aborted) return;
    await (where === "server" ? readThere(file, stopped) : readHere(file, stopped));
  } catch (error) {
    if (stopped.aborted) return;
    const problem = error instanceof Error ? error.message : strings.errors.unexpected;
    change({ stage: "failed", problem });
  } finally {
    if (!stopped.aborted) setRunning("film", null);
  }
}

/** Stop, and forget the film here and on the server. */
export function forgetFilm(): void {
  stop.abort();
  const before = film.value;
  if (!before) return;
  URL.revokeObjectURL(before.url);
  if (before.job) deleteJob(before.job.id).catch(() => undefined);
  film.value = null;
  setRunning("film", null);
}

// A page that is put by may be thrown away without a word, and its film would stay on the server.
addEventListener("pagehide", () => {
  if (film.value?.job || film.value?.stage === "uploading") forgetFilm();
});

function change(with_: Partial<Film>): void {
  if (film.value) film.value = { ...film.value, ...with_ };
}

async function readThere(file: File, stopped: AbortSignal): Promise<void> {
  checkSize(file);
  const note = (sentence: string) => change({ note: sentence });
  let job = await uploadFilm(file, (share) => change({ share }), { stop: stopped, note });
  if (stopped.aborted) return;
  change({ job, stage: "reading", share: null });
  while (!stopped.aborted && (job.state === "queued" || job.state === "running")) {
    await new Promise((resolve) => setTimeout(resolve, ASK_MS));
    if (stopped.aborted) return;
    try {
      job = await findJob(job.id);
    } catch (error) {
      if (!(error instanceof Refusal) || error.status !== 0) throw error;
      if (!stopped.aborted) change({ note: strings.errors.serverGone });
      continue;
    }
    if (stopped.aborted) return;
    change({ job, share: job.progress, note: strings.film.frames(job.frames_read, job.frame_count) });
  }
  if (stopped.aborted) return;
  if (job.state === "failed") throw new Error(job.error ?? strings.errors.unexpected);
  const { items } = await loadResult(job.id);
  if (stopped.aborted) return;
  change({ job, stage: "done", share: 1, item: items[0] });
}

async function readHere(file: File, stopped: AbortSignal): Promise<void> {
  if (file.type.startsWith("image/") && file.type !== "image/gif") throw new Error(strings.errors.notAFilm);
  if (!models.value) throw new Error(strings.errors.offlineModels);
  await device.load(models.value);
  const video = document.createElement("video");
  video.muted = true;
  video.src = film.value?.url ?? "";
  await happens(video, "loadeddata", stopped);
  if (!video.videoWidth) throw new Error(strings.errors.noPictures);
  if (!Number.isFinite(video.duration)) {
    // A recorder's file does not say how long it is; going to its end makes the browser find out.
    video.currentTime = Number.MAX_SAFE_INTEGER;
    await happens(video, "seeked", stopped);
    if (!Number.isFinite(video.duration)) throw new Error(strings.errors.filmUnreadable);
  }
  startCounting();
  const frames: Frame[] = [];
  const number = numbering();
  const count = Math.max(Math.ceil(video.duration / STEP_S), 1);
  for (let index = 0; index < count && !stopped.aborted; index++) {
    const time = index * STEP_S;
    video.currentTime = time;
    await happens(video, "seeked", stopped);
    const { faces } = await device.readFrame(await pictureOf(video, stopped), COARSE);
    if (stopped.aborted) return;
    frames.push({ index, time_s: time, faces: number(faces, time) });
    change({ share: (index + 1) / count, note: strings.film.frames(index + 1, count) });
  }
  if (stopped.aborted) return;
  const { videoWidth: width, videoHeight: height } = video;
  change({ stage: "done", share: 1, item: { source: file.name, kind: "video", width, height, frames } });
}

/** The picture of the moment that was gone to, which may come a little after the browser says so. */
export async function pictureOf(video: HTMLVideoElement, stopped: AbortSignal): Promise<ImageBitmap> {
  for (let waited = 0; waited < PATIENCE_MS && !stopped.aborted; waited += AGAIN_MS) {
    try {
      return await createImageBitmap(video);
    } catch {
      await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
    }
  }
  throw new Error(strings.errors.filmUnreadable);
}

/** Wait for an event; a film that is broken, or stuck, or stopped, ends the wait. */
export function happens(video: HTMLVideoElement, event: "loadeddata" | "seeked", stopped: AbortSignal): Promise<void> {
  const done = new AbortController();
  const signal = AbortSignal.any([done.signal, stopped]);
  return new Promise<void>((resolve, reject) => {
    const fail = () => reject(new Error(strings.errors.filmUnreadable));
    const timer = setTimeout(fail, PATIENCE_MS);
    done.signal.addEventListener("abort", () => clearTimeout(timer));
    stopped.addEventListener("abort", fail, { signal });
    video.addEventListener(event, () => resolve(), { signal });
    video.addEventListener("error", fail, { signal });
  }).finally(() => done.abort());
}
