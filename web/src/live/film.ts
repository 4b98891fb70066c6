/** One film: sent to the server as a job, or read in this page. */

import { computed, signal } from "@preact/signals";
import { deleteJob, findJob, loadResult, Refusal, uploadFilm } from "../api/client";
import type { Event, Frame, Item, Job } from "../api/types";
import { COARSE, device } from "../device/device";
import { checkFile, checkSize, known, models, type Place, place, setRunning } from "../state";
import { strings } from "../strings";
import { moves } from "./animation";
import { numbering } from "./tracks";

export interface Film {
  readonly file: File;
  readonly url: string;
  readonly where: Place;
  readonly stage: "uploading" | "waiting" | "reading" | "done" | "failed";
  readonly share: number | null;
  readonly note: string;
  readonly item?: Item;
  /** Events found by the server. */
  readonly events?: readonly Event[];
  /** What could not be read or drawn. */
  readonly warning?: string | null;
  /** The job, while the server has it. */
  readonly job?: Job;
  /** Why the film could not be read, or what has since been deleted. */
  readonly problem?: string;
}

const STEP_S = 0.2;
const ASK_MS = 700;
/** HTTP statuses: no server answered (0), or a proxy could not reach it. */
const AWAY = [0, 502, 503, 504];
/** Results expire unless requested: ask after this time or a third of `keep_s`, whichever is shorter. */
const KEEP_MS = 240_000;
const KEEP_SHARE = 1 / 3;
/** Time limit for opening a film and for seeking. */
const PATIENCE_MS = 30_000;
const AGAIN_MS = 20;
/** Waiting times for the first picture, which hidden pages never show, and for a longer duration. */
const FIRST_MS = 1000;
const LONGER_MS = 1000;

export const film = signal<Film | null>(null);
/** The stage of a film that is not read yet. */
export const doing = computed(() => {
  const stage = film.value?.stage;
  return stage === "uploading" || stage === "waiting" || stage === "reading" ? stage : null;
});
let stop = new AbortController();

export async function openFilm(file: File): Promise<void> {
  forgetFilm();
  stop = new AbortController();
  const { signal: stopped } = stop;
  const where = place.value;
  const stage = where === "server" ? "uploading" : "reading";
  film.value = { file, url: URL.createObjectURL(file), where, stage, share: 0, note: "" };
  try {
    await checkFile(file);
    if (where === "browser") await prepare(file);
    stopped.throwIfAborted();
    setRunning("film", where);
    await (where === "server" ? readThere(file, stopped) : readHere(file, stopped));
  } catch (error) {
    if (stopped.aborted) return;
    const problem = error instanceof Error ? error.message : strings.errors.unexpected;
    tell({ stage: "failed", problem }, stopped);
  } finally {
    if (!stopped.aborted) setRunning("film", null);
  }
}

/** Stop reading, and delete the film here and on the server. */
export function forgetFilm(): void {
  stop.abort();
  const before = film.value;
  if (!before) return;
  URL.revokeObjectURL(before.url);
  if (before.job) deleteJob(before.job.id).catch(() => undefined);
  film.value = null;
  setRunning("film", null);
}

// A page in the back/forward cache may be discarded silently, and its film would stay on the server.
addEventListener("pagehide", () => {
  if (film.value?.job || film.value?.stage === "uploading") forgetFilm();
});

/** Update the state of a film, unless it was stopped. */
function tell(more: Partial<Film>, stopped: AbortSignal): void {
  stopped.throwIfAborted();
  if (film.value) film.value = { ...film.value, ...more };
}

async function readThere(file: File, stopped: AbortSignal): Promise<void> {
  checkSize(file);
  const change = (more: Partial<Film>) => tell(more, stopped);
  let job = await uploadFilm(file, (share) => change({ share }), { stop: stopped, note: (note) => change({ note }) });
  change({ job, ...progressOf(job) });
  while (job.state === "queued" || job.state === "running") {
    await new Promise((resolve) => setTimeout(resolve, ASK_MS));
    job = await answered(() => findJob(job.id), stopped);
    change({ job, ...progressOf(job) });
  }
  if (job.state === "failed") throw new Error(job.error ?? strings.errors.unexpected);
  const { items } = await answered(() => loadResult(job.id), stopped);
  const { events, warning } = job;
  change({ job, events, warning, stage: "done", share: 1, item: items[0] });
  void keep(job, stopped);
}

/** Repeat a request until the server can be reached; its results stay there. */
async function answered<Answer>(asking: () => Promise<Answer>, stopped: AbortSignal): Promise<Answer> {
  for (;;) {
    stopped.throwIfAborted();
    try {
      return await asking();
    } catch (error) {
      if (!(error instanceof Refusal) || !AWAY.includes(error.status)) throw error;
      tell({ note: strings.errors.serverGone }, stopped);
      await new Promise((resolve) => setTimeout(resolve, ASK_MS));
    }
  }
}

function progressOf({ state, progress, frames_read: read, frame_count: count }: Job): Partial<Film> {
  if (state === "queued") return { stage: "waiting", share: null, note: "" };
  return { stage: "reading", share: progress, note: strings.film.frames(read, count) };
}

/** Request the job periodically to keep its results; report if they are gone. */
async function keep({ id }: Job, stopped: AbortSignal): Promise<void> {
  const kept = 1000 * (models.value?.keep_s ?? Number.POSITIVE_INFINITY);
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, Math.min(KEEP_MS, kept * KEEP_SHARE)));
    if (stopped.aborted) return;
    const gone = await findJob(id).then(
      () => false,
      (error) => error instanceof Refusal && error.status === 404,
    );
    if (stopped.aborted) return;
    if (gone) return tell({ problem: strings.film.gone, job: undefined }, stopped);
  }
}

/** Load what is needed to read a film in this page. */
async function prepare(file: File): Promise<void> {
  const still = file.type.startsWith("image/") && file.type !== "image/gif" && !(await moves(file));
  if (still) throw new Error(strings.errors.notAFilm);
  await device.load(await known());
}

async function readHere(file: File, stopped: AbortSignal): Promise<void> {
  const video = document.createElement("video");
  try {
    const begins = await open(video, stopped);
    const { videoWidth: width, videoHeight: height } = video;
    const frames = await readMoments(video, begins, stopped);
    tell({ stage: "done", share: 1, item: { source: file.name, kind: "video", width, height, frames } }, stopped);
  } finally {
    // Without a source, a player releases its decoder at once.
    video.removeAttribute("src");
    video.load();
  }
}

/** Open a film; returns the time of its first frame, since recordings may begin hours after 0. */
async function open(video: HTMLVideoElement, stopped: AbortSignal): Promise<number> {
  video.muted = true;
  const first = firstTime(video);
  video.src = film.value?.url ?? "";
  await happens(video, "loadeddata", stopped);
  if (!video.videoWidth) throw new Error(strings.errors.noPictures);
  const begins = await first;
  if (Number.isFinite(video.duration)) return begins;
  // Files of MediaRecorder state no duration; seeking to the end makes the browser determine it.
  video.currentTime = Number.MAX_SAFE_INTEGER;
  await happens(video, "seeked", stopped);
  if (!Number.isFinite(video.duration)) throw new Error(strings.errors.filmUnreadable);
  return begins;
}

function firstTime(video: HTMLVideoElement): Promise<number> {
  return new Promise((resolve) => {
    const asked = video.requestVideoFrameCallback?.((_, { mediaTime }) => resolve(mediaTime));
    const otherwise = () => setTimeout(() => resolve(video.currentTime), asked ? FIRST_MS : 0);
    video.addEventListener("loadeddata", otherwise, { once: true });
  });
}

async function readMoments(video: HTMLVideoElement, begins: number, stopped: AbortSignal): Promise<Frame[]> {
  const frames: Frame[] = [];
  const number = numbering();
  const { duration } = video;
  const moment = (index: number) => begins + index * STEP_S;
  for (let index = 0; index === 0 || (await reaches(video, moment(index), begins)); index++) {
    const time = moment(index);
    video.currentTime = time;
    await happens(video, "seeked", stopped);
    const { faces } = await device.readFrame(await pictureOf(video, stopped), COARSE);
    frames.push({ index, time_s: time, faces: number(faces, time) });
    // The number of frames is unknown if the film turns out longer than the browser reported.
    const count = video.duration === duration ? Math.max(Math.ceil((duration - begins) / STEP_S), 1) : null;
    tell({ share: count && frames.length / count, note: strings.film.frames(frames.length, count) }, stopped);
  }
  return frames;
}

/** Whether a film reaches a time; for MP4 that starts late, Chromium knows only what is buffered. */
async function reaches(video: HTMLVideoElement, time: number, begins: number): Promise<boolean> {
  const patience = begins < STEP_S ? 0 : LONGER_MS;
  for (let waited = 0; time >= video.duration && waited < patience; waited += AGAIN_MS) {
    await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
  }
  return time < video.duration;
}

/** The frame at the seeked time, which may arrive a little after the `seeked` event. */
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

/** Wait for an event; fails if the film is broken, stuck or stopped. */
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
