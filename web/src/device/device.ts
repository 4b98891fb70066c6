/** Reading in this browser: weights are loaded once, and pictures never leave it. */

import { signal } from "@preact/signals";
import { loadWeights } from "../api/client";
import { requests } from "../api/traffic";
import type { Models } from "../api/types";
import { strings } from "../strings";
import { ZOOMS } from "../vision/alignment";
import { wantedCompute } from "./compute";
import { type Answer, type How, pageNetworks, type Processors, type Reading, type Request } from "./messages";

const FINE = 1280;
export const COARSE = 640;
/** Longest side of the search on machines where a coarse one is too slow to track a face. */
export const COARSEST = 320;

/** Where each network runs in this page; empty before they are loaded. */
export const processors = signal<Processors>({});

/** Time limit for one picture, on the slowest machine. */
const PATIENCE_MS = 120_000;

type Waiting = { resolve: (reading: Reading | undefined) => void; reject: (error: Error) => void };

class Device {
  #worker: Worker | null = null;
  #waiting = new Map<number, Waiting>();
  #next = 0;
  #loading: Promise<void> | null = null;
  #models: Models | null = null;

  /** Load the weights that the server lists; concurrent calls share one load. */
  load(models: Models): Promise<void> {
    this.#models = models;
    this.#loading ??= this.#load(models).catch((error) => {
      this.#loading = null;
      throw error;
    });
    return this.#loading;
  }

  /** Read and close a still image: test-time augmentation over several scales of each face. */
  readStill(picture: ImageBitmap, activation = false): Promise<Reading> {
    return this.#read(picture, { finest: FINE, zooms: ZOOMS, activation });
  }

  /** Read and close a frame of a film or camera, each face at one scale. */
  readFrame(picture: ImageBitmap, finest: number): Promise<Reading> {
    return this.#read(picture, { finest, zooms: [1], activation: false });
  }

  /** Starts another worker if the last one has failed. */
  async #read(picture: ImageBitmap, how: How): Promise<Reading> {
    const message = { kind: "read", picture, how } as const;
    let timer: ReturnType<typeof setTimeout> | undefined;
    try {
      if (this.#models) await this.load(this.#models);
      timer = setTimeout(() => this.#drop(new Error(strings.errors.readFailed)), PATIENCE_MS);
      const reading = await this.#ask(message, [picture]);
      if (!reading) throw new Error(strings.errors.unexpected);
      return reading;
    } finally {
      clearTimeout(timer);
      picture.close();
    }
  }

  async #load(models: Models): Promise<void> {
    const weights = await Promise.all(
      pageNetworks(models).map(async (card) => ({ card, data: await loadWeights(card.url) })),
    );
    const threads = self.crossOriginIsolated ? Math.min(navigator.hardwareConcurrency || 1, 4) : 1;
    const compute = wantedCompute(location.search);
    this.#worker ??= this.#start();
    await this.#ask({ kind: "load", weights, threads, compute }, weights.map(({ data }) => data));
  }

  #start(): Worker {
    const worker = new Worker(new URL("./worker.ts", import.meta.url), { type: "module" });
    worker.onmessage = ({ data }: MessageEvent<Answer>) => {
      if (data.kind === "requests") {
        requests.value += data.count;
        return;
      }
      if (data.kind === "runs") {
        processors.value = data.on;
        return;
      }
      const waiting = this.#waiting.get(data.id);
      this.#waiting.delete(data.id);
      if (data.kind === "done") waiting?.resolve(data.reading);
      else waiting?.reject(new Error(strings.errors[data.at], { cause: data.reason }));
    };
    worker.onerror = ({ message }) => this.#drop(new Error(strings.errors.readFailed, { cause: message }));
    return worker;
  }

  /** Terminate a worker that failed; the next load starts another. */
  #drop(error: Error): void {
    this.#worker?.terminate();
    this.#worker = null;
    this.#loading = null;
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }

  #ask(
    message: Omit<Extract<Request, { kind: "load" }>, "id"> | Omit<Extract<Request, { kind: "read" }>, "id">,
    transfer: Transferable[],
  ): Promise<Reading | undefined> {
    if (!this.#worker) return Promise.reject(new Error(strings.errors.offlineModels));
    const id = this.#next++;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#worker?.postMessage({ ...message, id }, transfer);
    });
  }
}

export const device = new Device();
