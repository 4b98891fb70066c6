/** The loop of a live view: camera to readings, until it is stopped and forgotten. */

import { batch, computed, signal } from "@preact/signals";
import { COARSE, COARSEST, device } from "../device/device";
import type { Reading } from "../device/messages";
import { agreedTo } from "../consent";
import { models, type Place, place, setRunning } from "../state";
import { strings } from "../strings";
import { cameras, openCamera } from "./camera";
import { Session } from "./session";
import { LiveSocket } from "./socket";
import { follow, followed, type Track } from "./tracks";

const LONGEST = 640;
/** Delay between attempts, doubled after each failure. */
const RETRY_MS = 1500;
const LONGEST_RETRY_MS = 30_000;
const SLOW_MS = 350;
/** Below this a finer search is tried: a search at half the size takes about a quarter of the time. */
const QUICK_MS = 90;

type Phase = "closed" | "loading" | "watching" | "paused";

class Watch {
  readonly phase = signal<Phase>("closed");
  /** Whether the camera is open, even if paused. */
  readonly opened = computed(() => this.phase.value === "watching" || this.phase.value === "paused");
  readonly problem = signal<string | null>(null);
  readonly tracks = signal<readonly Track[]>([]);
  readonly size = signal({ width: 640, height: 480 });
  readonly devices = signal<readonly MediaDeviceInfo[]>([]);
  readonly camera = signal("");
  /** Mirrored, except for cameras that face away from the user. */
  readonly mirrored = signal(true);
  readonly pace = signal({ perSecond: 0, delay: 0 });
  /** Incremented with each reading, to redraw the chart. */
  readonly drawn = signal(0);
  session = new Session();

  #video: HTMLVideoElement | null = null;
  #stream: MediaStream | null = null;
  #socket = new LiveSocket();
  #place: Place = "browser";
  #began = 0;
  #finest = COARSE;
  #faces = 0;
  #run = 0;
  #list = async () => {
    this.devices.value = await cameras();
  };

  async open(video: HTMLVideoElement, camera = this.camera.value): Promise<void> {
    this.close();
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
      const stream = await openCamera(camera);
      if (run !== this.#run) {
        for (const track of stream.getTracks()) track.stop();
        return;
      }
      this.#attach(video, stream);
      await video.play();
      const { deviceId, facingMode } = stream.getVideoTracks()[0]?.getSettings() ?? {};
      this.camera.value = deviceId ?? camera;
      this.mirrored.value = facingMode !== "environment";
      await this.#list();
      if (run !== this.#run) return;
      navigator.mediaDevices.addEventListener("devicechange", this.#list);
    } catch (error) {
      if (run === this.#run) this.#fail(error instanceof Error ? error.message : strings.errors.unexpected);
      return;
    }
    this.#began = performance.now();
    this.phase.value = "watching";
    setRunning("live", where);
    void this.#loop(run);
  }

  /** Restart with another camera or in another place. */
  async reopen(camera = this.camera.value): Promise<void> {
    if (this.#video) await this.open(this.#video, camera);
  }

  pause(): void {
    const watching = this.phase.value === "watching";
    this.phase.value = watching ? "paused" : "watching";
    setRunning("live", watching ? null : this.#place);
    if (watching) this.#video?.pause();
    else void this.#video?.play();
  }

  /** Stop and forget everything. */
  close(): void {
    this.#run++;
    navigator.mediaDevices?.removeEventListener("devicechange", this.#list);
    for (const track of this.#stream?.getTracks() ?? []) track.stop();
    this.#stream = null;
    if (this.#video) this.#video.srcObject = null;
    this.#socket.close();
    this.session = new Session();
    this.#faces = 0;
    batch(() => {
      this.tracks.value = [];
      this.pace.value = { perSecond: 0, delay: 0 };
      this.drawn.value = 0;
      this.phase.value = "closed";
      this.problem.value = null;
      setRunning("live", null);
    });
  }

  #attach(video: HTMLVideoElement, stream: MediaStream): void {
    this.#stream = stream;
    video.srcObject = stream;
    for (const track of stream.getVideoTracks()) {
      track.addEventListener("ended", () => {
        if (this.#stream === stream) this.#fail(strings.errors.lost);
      });
    }
  }

  #fail(sentence: string): void {
    this.close();
    this.problem.value = sentence;
  }

  async #loop(run: number): Promise<void> {
    const wanted = () => run === this.#run && this.phase.value === "watching";
    let retry = RETRY_MS;
    while (run === this.#run) {
      await nextFrame();
      const video = this.#video;
      if (!wanted() || !video?.videoWidth) continue;
      const begun = performance.now();
      try {
        const reading = await this.#read(await shot(video), wanted);
        if (reading && run === this.#run) this.#show(reading, begun);
        retry = RETRY_MS;
      } catch (error) {
        if (run !== this.#run) return;
        this.#lose();
        this.problem.value = error instanceof Error ? error.message : strings.errors.unexpected;
        await new Promise((resolve) => setTimeout(resolve, retry));
        retry = Math.min(2 * retry, LONGEST_RETRY_MS);
      }
    }
  }

  /** Read and close a picture; null if it is no longer `wanted`. */
  async #read(picture: ImageBitmap, wanted: () => boolean): Promise<Reading | null> {
    if (!wanted()) {
      picture.close();
      return null;
    }
    return this.#place === "browser" ? device.readFrame(picture, this.#search()) : this.#socket.read(picture, wanted);
  }

  /** Coarse after a slow reading, until a finer search is expected to be fast enough. */
  #search(): number {
    const { delay } = this.pace.value;
    if (delay > SLOW_MS) this.#finest = COARSEST;
    else if (delay < QUICK_MS) this.#finest = COARSE;
    return this.#finest;
  }

  /** Clear the last reading, which no longer matches the picture. */
  #lose(): void {
    this.session.add((performance.now() - this.#began) / 1000, null);
    batch(() => {
      this.tracks.value = [];
      this.drawn.value++;
    });
  }

  #show({ width, height, faces }: Reading, begun: number): void {
    const now = performance.now();
    const time = (now - this.#began) / 1000;
    const before = this.tracks.value;
    const tracks =
      this.#place === "server" ? followed(before, faces, time) : follow(before, faces, time, () => ++this.#faces);
    this.session.add(time, tracks[0]?.face ?? null, tracks[0]?.id);
    const delay = now - begun;
    batch(() => {
      this.problem.value = null;
      this.tracks.value = tracks;
      this.size.value = { width, height };
      this.pace.value = { perSecond: this.session.perSecond ?? 1000 / Math.max(delay, 1), delay };
      this.drawn.value++;
    });
  }
}

export const watch = new Watch();

/** A change of place restarts; without consent for the new place, the camera closes. */
export async function move(to: Place): Promise<void> {
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

function shot(video: HTMLVideoElement): Promise<ImageBitmap> {
  const scale = Math.min(LONGEST / Math.max(video.videoWidth, video.videoHeight), 1);
  return createImageBitmap(video, {
    resizeWidth: Math.round(video.videoWidth * scale),
    resizeHeight: Math.round(video.videoHeight * scale),
  });
}
