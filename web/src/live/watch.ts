/** Live analysis of the camera: opening, the loop of readings, and closing. */

import { batch, computed, signal } from "@preact/signals";
import { sleep } from "../api/sleep";
import { COARSE_SEARCH_SIZE, device, FRAME_SEARCH_SIZE } from "../device/device";
import type { Reading } from "../device/messages";
import { agreedTo } from "../consent";
import { messageOf, models, type Place, place, setRunning } from "../state";
import { strings } from "../strings";
import { listCameras, openCamera } from "./camera";
import { Session } from "./session";
import { LiveSocket } from "./socket";
import { serverTracks, type Track, updateTracks } from "./tracks";

/** Longest side of the pictures taken, in pixels. */
const MAX_SIDE = 640;
/** Delay between attempts, doubled after each failure. */
const RETRY_MS = 1500;
const MAX_RETRY_MS = 30_000;
/** Delay of a reading above which the search becomes coarser. */
const SLOW_MS = 350;
/** Delay below which it becomes finer again: half the size takes about a quarter of the time. */
const FAST_MS = 90;

/** Lost: the camera was disconnected, and the session is kept. */
export type Phase = "closed" | "loading" | "opening" | "watching" | "paused" | "lost";

class Watch {
  readonly phase = signal<Phase>("closed");
  /** Whether there is a session, even if paused. */
  readonly opened = computed(() => ["watching", "paused", "lost"].includes(this.phase.value));
  readonly problem = signal<string | null>(null);
  readonly tracks = signal<readonly Track[]>([]);
  readonly size = signal({ width: 640, height: 480 });
  readonly devices = signal<readonly MediaDeviceInfo[]>([]);
  readonly camera = signal("");
  /** Mirrored, except for cameras that face away from the user. */
  readonly mirrored = signal(true);
  /** Readings per second, and delay of the last one in ms. */
  readonly pace = signal({ perSecond: 0, delay: 0 });
  /** Incremented with each reading, to redraw the chart. */
  readonly chartVersion = signal(0);
  session = new Session();

  #video: HTMLVideoElement | null = null;
  #stream: MediaStream | null = null;
  #socket = new LiveSocket();
  #place: Place = "browser";
  #start = 0;
  /** Number of frames that the camera has delivered, if the browser tells. */
  #frames = 0;
  #searchSize = FRAME_SEARCH_SIZE;
  #lastId = 0;
  #run = 0;
  #updateDevices = async () => {
    this.devices.value = await listCameras();
  };

  /** Open a camera; the session of a camera that was disconnected goes on. */
  async open(video: HTMLVideoElement, camera = this.camera.value): Promise<void> {
    const continued = this.phase.value === "lost";
    if (!continued) this.close();
    const run = ++this.#run;
    // The place is fixed here: consent holds for this place only.
    const where = place.value;
    this.#place = where;
    this.#video = video;
    this.problem.value = null;
    this.camera.value = camera;
    this.phase.value = "loading";
    try {
      if (where === "browser" && models.value) await device.load(models.value);
      if (run !== this.#run) return;
      this.phase.value = "opening";
      const stream = await openCamera(camera);
      if (run !== this.#run) {
        for (const track of stream.getTracks()) track.stop();
        return;
      }
      this.#attach(video, stream, run);
      await video.play();
      const { deviceId, facingMode } = stream.getVideoTracks()[0]?.getSettings() ?? {};
      this.camera.value = deviceId ?? camera;
      this.mirrored.value = facingMode !== "environment";
      await this.#updateDevices();
      if (run !== this.#run) return;
      navigator.mediaDevices.addEventListener("devicechange", this.#updateDevices);
    } catch (error) {
      if (run === this.#run) this.#fail(messageOf(error));
      return;
    }
    if (!continued) this.#start = performance.now();
    this.phase.value = "watching";
    setRunning("live", where);
    void this.#loop(run);
  }

  /** Restart with another camera or in another place, and pause again if it was paused. */
  async reopen(camera = this.camera.value): Promise<void> {
    const paused = this.phase.value === "paused";
    if (this.#video) await this.open(this.#video, camera);
    if (paused && this.phase.value === "watching") this.togglePause();
  }

  togglePause(): void {
    const watching = this.phase.value === "watching";
    this.phase.value = watching ? "paused" : "watching";
    setRunning("live", watching ? null : this.#place);
    if (watching) this.#video?.pause();
    else void this.#video?.play();
  }

  /** Stop, and discard all readings. */
  close(): void {
    this.#release();
    this.session = new Session();
    this.#lastId = 0;
    batch(() => {
      this.tracks.value = [];
      this.pace.value = { perSecond: 0, delay: 0 };
      this.chartVersion.value = 0;
      this.phase.value = "closed";
      this.problem.value = null;
    });
  }

  /** Stop reading, and close the camera. */
  #release(): void {
    this.#run++;
    navigator.mediaDevices?.removeEventListener("devicechange", this.#updateDevices);
    for (const track of this.#stream?.getTracks() ?? []) track.stop();
    this.#stream = null;
    if (this.#video) this.#video.srcObject = null;
    this.#socket.close();
    setRunning("live", null);
  }

  #attach(video: HTMLVideoElement, stream: MediaStream, run: number): void {
    this.#stream = stream;
    this.#countFrames(video, run);
    video.srcObject = stream;
    for (const track of stream.getVideoTracks()) {
      track.addEventListener("ended", () => {
        if (this.#stream === stream) this.#fail(strings.errors.cameraLost);
      });
    }
  }

  #countFrames(video: HTMLVideoElement, run: number): void {
    if (run !== this.#run) return;
    this.#frames++;
    video.requestVideoFrameCallback?.(() => this.#countFrames(video, run));
  }

  /** Close the camera after an error; a session with readings is kept. */
  #fail(message: string): void {
    batch(() => {
      if (this.session.columns[0].length) {
        this.#release();
        this.#clearReading();
        this.phase.value = "lost";
      } else this.close();
      this.problem.value = message;
    });
  }

  async #loop(run: number): Promise<void> {
    const wanted = () => run === this.#run && this.phase.value === "watching";
    let retry = RETRY_MS;
    let read = -1;
    while (run === this.#run) {
      await nextFrame();
      const video = this.#video;
      if (!wanted() || !video?.videoWidth) continue;
      // In dim light a camera may deliver fewer frames than the screen shows.
      if (this.#frames === read && typeof video.requestVideoFrameCallback === "function") continue;
      read = this.#frames;
      const start = performance.now();
      try {
        const reading = await this.#read(await captureFrame(video), wanted);
        if (reading && run === this.#run) this.#show(reading, start);
        retry = RETRY_MS;
      } catch (error) {
        if (run !== this.#run) return;
        this.#clearReading();
        this.problem.value = messageOf(error);
        await sleep(retry);
        retry = Math.min(2 * retry, MAX_RETRY_MS);
      }
    }
  }

  /** Read and close a picture; null if it is no longer `wanted`. */
  async #read(picture: ImageBitmap, wanted: () => boolean): Promise<Reading | null> {
    if (!wanted()) {
      picture.close();
      return null;
    }
    if (this.#place === "server") return this.#socket.read(picture, wanted);
    return device.readFrame(picture, this.#nextSearchSize());
  }

  /** The search size: coarse after a slow reading, until a finer search is expected to be fast. */
  #nextSearchSize(): number {
    const { delay } = this.pace.value;
    if (delay > SLOW_MS) this.#searchSize = COARSE_SEARCH_SIZE;
    else if (delay < FAST_MS) this.#searchSize = FRAME_SEARCH_SIZE;
    return this.#searchSize;
  }

  /** Clear the last reading, which is no longer current. */
  #clearReading(): void {
    this.session.add((performance.now() - this.#start) / 1000, null);
    batch(() => {
      this.tracks.value = [];
      this.chartVersion.value++;
    });
  }

  #show({ width, height, faces }: Reading, start: number): void {
    const now = performance.now();
    const time = (now - this.#start) / 1000;
    const tracks =
      this.#place === "server"
        ? serverTracks(this.tracks.value, faces, time)
        : updateTracks(this.tracks.value, faces, time, () => ++this.#lastId);
    this.session.add(time, tracks[0]?.face ?? null, tracks[0]?.id);
    const delay = now - start;
    batch(() => {
      this.problem.value = null;
      this.tracks.value = tracks;
      this.size.value = { width, height };
      this.pace.value = { perSecond: this.session.perSecond ?? 1000 / Math.max(delay, 1), delay };
      this.chartVersion.value++;
    });
  }
}

export const watch = new Watch();

/** Change the place: restart there, or close the camera if there is no consent for it. */
export async function changePlace(to: Place): Promise<void> {
  place.value = to;
  if (watch.phase.value === "closed") return;
  const version = models.value?.consent.version;
  if (version && agreedTo(version, to)) await watch.reopen();
  else watch.close();
}

function nextFrame(): Promise<void> {
  // Hidden pages get no animation frames, so nothing is read.
  return new Promise((resolve) => requestAnimationFrame(() => resolve()));
}

function captureFrame(video: HTMLVideoElement): Promise<ImageBitmap> {
  const scale = Math.min(MAX_SIDE / Math.max(video.videoWidth, video.videoHeight), 1);
  return createImageBitmap(video, {
    resizeWidth: Math.round(video.videoWidth * scale),
    resizeHeight: Math.round(video.videoHeight * scale),
  });
}
