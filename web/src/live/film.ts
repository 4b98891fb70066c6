/** The current film: sent to the server as a job, or read in this page. */

import { computed, signal } from "@preact/signals";
import { ApiError, deleteJob, findJob, loadResult, uploadFilm } from "../api/client";
import { sleep } from "../api/sleep";
import type { Event, Frame, Item, Job } from "../api/types";
import { device, FRAME_SEARCH_SIZE } from "../device/device";
import { awaitModels, checkFile, checkSize, messageOf, models, type Place, place, setRunning } from "../state";
import { strings } from "../strings";
import { isAnimated } from "./animation";
import { filmTracker } from "./tracks";

export interface Film {
  readonly file: File;
  readonly url: string;
  readonly where: Place;
  readonly stage: "uploading" | "waiting" | "reading" | "done" | "failed";
  /** From 0 to 1; null if unknown. */
  readonly progress: number | null;
  /** Status message. */
  readonly note: string;
  readonly item?: Item;
  /** Events found by the server. */
  readonly events?: readonly Event[];
  /** What could not be read, or drawn by the server. */
  readonly warning?: string | null;
  /** The job, while the server has it. */
  readonly job?: Job;
  /** Why the film could not be read, or what has since been deleted. */
  readonly problem?: string;
}

/** Time between the frames that are read in this page. */
const FRAME_STEP_S = 0.2;
/** Interval of requests for the state of the job. */
const POLL_MS = 700;
/** HTTP statuses: the server did not answer (0), or a proxy could not reach it. */
const UNREACHABLE = [0, 502, 503, 504];
/** Results expire unless requested: maximum interval of requests, also as a share of `keep_s`. */
const KEEP_ALIVE_MS = 240_000;
const KEEP_SHARE = 1 / 3;
/** Time limit for opening a film and for seeking. */
const TIMEOUT_MS = 30_000;
/** Interval at which the player is polled. */
const PLAYER_POLL_MS = 20;
/** Time limits for the first picture, which hidden pages never show, and for a longer duration. */
const FIRST_FRAME_MS = 1000;
const LONGER_DURATION_MS = 1000;

export const film = signal<Film | null>(null);
/** The stage of a film that is not read yet, or null. */
export const activeStage = computed(() => {
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
  film.value = { file, url: URL.createObjectURL(file), where, stage, progress: 0, note: "" };
  try {
    await checkFile(file);
    if (where === "browser") await prepare(file);
    stopped.throwIfAborted();
    setRunning("film", where);
    await (where === "server" ? readOnServer(file, stopped) : readInBrowser(file, stopped));
  } catch (error) {
    if (stopped.aborted) return;
    update({ stage: "failed", problem: messageOf(error) }, stopped);
  } finally {
    if (!stopped.aborted) setRunning("film", null);
  }
}

/** Stop reading, and delete the film here and on the server. */
export function forgetFilm(): void {
  stop.abort();
  const previous = film.value;
  if (!previous) return;
  URL.revokeObjectURL(previous.url);
  if (previous.job) void deleteJob(previous.job.id);
  film.value = null;
  setRunning("film", null);
}

// A page in the back/forward cache may be discarded silently, and its film would stay on the server.
addEventListener("pagehide", () => {
  if (film.value?.job || film.value?.stage === "uploading") forgetFilm();
});

/** Update the state of the film; throws if it was stopped. */
function update(changes: Partial<Film>, stopped: AbortSignal): void {
  stopped.throwIfAborted();
  if (film.value) film.value = { ...film.value, ...changes };
}

async function readOnServer(file: File, stopped: AbortSignal): Promise<void> {
  checkSize(file);
  const change = (changes: Partial<Film>) => update(changes, stopped);
  const options = { stop: stopped, note: (note: string) => change({ note }) };
  let job = await uploadFilm(file, (progress) => change({ progress }), options);
  change({ job, ...progressOf(job) });
  while (job.state === "queued" || job.state === "running") {
    await sleep(POLL_MS);
    job = await retryUntilReachable(() => findJob(job.id), stopped);
    change({ job, ...progressOf(job) });
  }
  if (job.state === "failed") throw new Error(job.error ?? strings.errors.unexpected);
  const { items } = await retryUntilReachable(() => loadResult(job.id), stopped);
  const { events, warning } = job;
  change({ job, events, warning, stage: "done", progress: 1, item: items[0] });
  void keepAlive(job, stopped);
}

/** Repeat a request until the server can be reached. */
async function retryUntilReachable<Answer>(request: () => Promise<Answer>, stopped: AbortSignal): Promise<Answer> {
  for (;;) {
    stopped.throwIfAborted();
    try {
      return await request();
    } catch (error) {
      if (!(error instanceof ApiError) || !UNREACHABLE.includes(error.status)) throw error;
      update({ note: strings.errors.reconnecting }, stopped);
      await sleep(POLL_MS);
    }
  }
}

function progressOf({ state, progress, frames_read: read, frame_count: count }: Job): Partial<Film> {
  if (state === "queued") return { stage: "waiting", progress: null, note: "" };
  return { stage: "reading", progress, note: strings.film.frames(read, count) };
}

/** Request the job periodically, so that its results are kept; report if they are gone. */
async function keepAlive({ id }: Job, stopped: AbortSignal): Promise<void> {
  const keptMs = 1000 * (models.value?.keep_s ?? Number.POSITIVE_INFINITY);
  for (;;) {
    await sleep(Math.min(KEEP_ALIVE_MS, keptMs * KEEP_SHARE));
    if (stopped.aborted) return;
    const gone = await findJob(id).then(
      () => false,
      (error) => error instanceof ApiError && error.status === 404,
    );
    if (stopped.aborted) return;
    if (gone) return update({ problem: strings.film.gone, job: undefined }, stopped);
  }
}

/** Refuse still images, and load the networks. */
async function prepare(file: File): Promise<void> {
  const still = file.type.startsWith("image/") && file.type !== "image/gif" && !(await isAnimated(file));
  if (still) throw new Error(strings.errors.notAFilm);
  await device.load(await awaitModels());
}

async function readInBrowser(file: File, stopped: AbortSignal): Promise<void> {
  const video = document.createElement("video");
  try {
    const start = await open(video, stopped);
    const { videoWidth: width, videoHeight: height } = video;
    const frames: Frame[] = [];
    const error = await readFrames(video, start, frames, stopped).then(() => undefined, messageOf);
    const last = frames.at(-1);
    if (error && !last) throw new Error(error);
    const warning = error && last && strings.film.cutOff(last.time_s, error);
    const item: Item = { source: file.name, kind: "video", width, height, frames, ...(error && { error }) };
    update({ stage: "done", progress: 1, warning, item }, stopped);
  } finally {
    // Without a source, a player releases its decoder at once.
    video.removeAttribute("src");
    video.load();
  }
}

/** Open a film; returns the time of its first frame, which may be hours after 0. */
async function open(video: HTMLVideoElement, stopped: AbortSignal): Promise<number> {
  video.muted = true;
  const first = firstFrameTime(video);
  video.src = film.value?.url ?? "";
  await waitForEvent(video, "loadeddata", stopped);
  if (!video.videoWidth) throw new Error(strings.errors.noPictures);
  const start = await first;
  if (Number.isFinite(video.duration)) return start;
  // Files of MediaRecorder have no duration; seeking to the end makes the browser determine it.
  video.currentTime = Number.MAX_SAFE_INTEGER;
  await waitForEvent(video, "seeked", stopped);
  if (!Number.isFinite(video.duration)) throw new Error(strings.errors.filmUnreadable);
  return start;
}

function firstFrameTime(video: HTMLVideoElement): Promise<number> {
  return new Promise((resolve) => {
    const asked = video.requestVideoFrameCallback?.((_, { mediaTime }) => resolve(mediaTime));
    const fallback = () => setTimeout(() => resolve(video.currentTime), asked ? FIRST_FRAME_MS : 0);
    video.addEventListener("loadeddata", fallback, { once: true });
  });
}

/** Append the readings of all frames; those before an error are complete. */
async function readFrames(
  video: HTMLVideoElement,
  start: number,
  frames: Frame[],
  stopped: AbortSignal,
): Promise<void> {
  const assignIds = filmTracker();
  const { duration } = video;
  const timeOf = (index: number) => start + index * FRAME_STEP_S;
  for (let index = 0; index === 0 || (await isWithin(video, timeOf(index), start)); index++) {
    const time = timeOf(index);
    video.currentTime = time;
    await waitForEvent(video, "seeked", stopped);
    const { faces } = await device.readFrame(await captureFrame(video, stopped), FRAME_SEARCH_SIZE);
    frames.push({ index, time_s: time, faces: assignIds(faces, time) });
    // The number of frames is unknown if the film turns out longer than the browser reported.
    const count = video.duration === duration ? Math.max(Math.ceil((duration - start) / FRAME_STEP_S), 1) : null;
    update({ progress: count && frames.length / count, note: strings.film.frames(frames.length, count) }, stopped);
  }
}

/** Whether a time is within the film; for MP4 that starts late, Chromium knows only what is buffered. */
async function isWithin(video: HTMLVideoElement, time: number, start: number): Promise<boolean> {
  const limit = start < FRAME_STEP_S ? 0 : LONGER_DURATION_MS;
  for (let waited = 0; time >= video.duration && waited < limit; waited += PLAYER_POLL_MS) {
    await sleep(PLAYER_POLL_MS);
  }
  return time < video.duration;
}

/** The current frame, which may arrive a little after the `seeked` event. */
export async function captureFrame(video: HTMLVideoElement, stopped: AbortSignal): Promise<ImageBitmap> {
  for (let waited = 0; waited < TIMEOUT_MS && !stopped.aborted; waited += PLAYER_POLL_MS) {
    try {
      return await createImageBitmap(video);
    } catch {
      await sleep(PLAYER_POLL_MS);
    }
  }
  throw new Error(strings.errors.filmUnreadable);
}

/** Wait for an event; fails if the film is broken or stopped, or after the time limit. */
export function waitForEvent(
  video: HTMLVideoElement,
  event: "loadeddata" | "seeked",
  stopped: AbortSignal,
): Promise<void> {
  const done = new AbortController();
  const signal = AbortSignal.any([done.signal, stopped]);
  return new Promise<void>((resolve, reject) => {
    const fail = () => reject(new Error(strings.errors.filmUnreadable));
    const timer = setTimeout(fail, TIMEOUT_MS);
    done.signal.addEventListener("abort", () => clearTimeout(timer));
    stopped.addEventListener("abort", fail, { signal });
    video.addEventListener(event, () => resolve(), { signal });
    video.addEventListener("error", fail, { signal });
  }).finally(() => done.abort());
}
