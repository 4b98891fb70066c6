/** Analysis in this browser: weights are loaded once, and no picture leaves the page. */

import { signal } from "@preact/signals";
import { loadWeights } from "../api/client";
import { requests } from "../api/traffic";
import type { Models } from "../api/types";
import { strings } from "../strings";
import { ZOOMS } from "../vision/alignment";
import { wantedCompute } from "./compute";
import { type Answer, pageNetworks, type Processors, type Reading, type ReadOptions, type Request } from "./messages";

// Longest sides of the finest search in pixels.
const STILL_SEARCH_SIZE = 1280;
export const FRAME_SEARCH_SIZE = 640;
/** For machines on which `FRAME_SEARCH_SIZE` is too slow to track a face. */
export const COARSE_SEARCH_SIZE = 320;

/** The processor on which each network runs; empty before they are loaded. */
export const processors = signal<Processors>({});

/** Time limits of requests to the worker, for the slowest machine, and what is said after them. */
const LIMITS = {
  load: { ms: 300_000, failure: "loadFailed" },
  read: { ms: 120_000, failure: "readFailed" },
} as const;

type Pending = { resolve: (reading: Reading | undefined) => void; reject: (error: Error) => void };

class Device {
  #worker: Worker | null = null;
  #pending = new Map<number, Pending>();
  #nextId = 0;
  #loading: Promise<void> | null = null;
  #models: Models | null = null;

  /** Load the weights that the server lists; concurrent calls share one load. */
  load(models: Models): Promise<void> {
    this.#models = models;
    this.#loading ??= this.#load(models).catch((error) => {
      // The runtime starts once per worker, so the next attempt needs another worker.
      this.#terminate(error);
      throw error;
    });
    return this.#loading;
  }

  /** Read and close a still image: test-time augmentation over several scales of each face. */
  readStill(picture: ImageBitmap, activation = false): Promise<Reading> {
    return this.#read(picture, { searchSize: STILL_SEARCH_SIZE, zooms: ZOOMS, activation });
  }

  /** Read and close a frame of a film or camera, without test-time augmentation. */
  readFrame(picture: ImageBitmap, searchSize: number): Promise<Reading> {
    return this.#read(picture, { searchSize, zooms: [1], activation: false });
  }

  /** Send a picture to the worker, which is started anew if the last one has failed. */
  async #read(picture: ImageBitmap, options: ReadOptions): Promise<Reading> {
    const message = { kind: "read", picture, options } as const;
    try {
      if (this.#models) await this.load(this.#models);
      const reading = await this.#ask(message, [picture]);
      if (!reading) throw new Error(strings.errors.unexpected);
      return reading;
    } finally {
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
      if (data.kind === "processors") {
        processors.value = data.processors;
        return;
      }
      const pending = this.#pending.get(data.id);
      this.#pending.delete(data.id);
      if (data.kind === "done") pending?.resolve(data.reading);
      else pending?.reject(new Error(strings.errors[data.failure], { cause: data.reason }));
    };
    worker.onerror = ({ message }) => this.#terminate(new Error(strings.errors.readFailed, { cause: message }));
    return worker;
  }

  /** Terminate a worker that failed; the next load starts another. */
  #terminate(error: Error): void {
    this.#worker?.terminate();
    this.#worker = null;
    this.#loading = null;
    for (const { reject } of this.#pending.values()) reject(error);
    this.#pending.clear();
  }

  /** Send a request to the worker, which is terminated if it does not answer in time. */
  #ask(
    message: Omit<Extract<Request, { kind: "load" }>, "id"> | Omit<Extract<Request, { kind: "read" }>, "id">,
    transfer: Transferable[],
  ): Promise<Reading | undefined> {
    if (!this.#worker) return Promise.reject(new Error(strings.errors.modelsNotLoaded));
    const id = this.#nextId++;
    const { ms, failure } = LIMITS[message.kind];
    const timer = setTimeout(() => this.#terminate(new Error(strings.errors[failure])), ms);
    return new Promise<Reading | undefined>((resolve, reject) => {
      this.#pending.set(id, { resolve, reject });
      this.#worker?.postMessage({ ...message, id }, transfer);
    }).finally(() => clearTimeout(timer));
  }
}

export const device = new Device();
