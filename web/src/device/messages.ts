/** What page and worker say to each other. */

import type { Face, Model, Models } from "../api/types";
import type { Compute } from "./compute";

const NETWORKS = ["detector", "refiner", "landmarks", "expression"];

/** The networks that a page reads with, of all that the server lists. */
export function pageNetworks({ models }: Models): Model[] {
  return models.filter(({ name }) => NETWORKS.includes(name));
}

export interface Weights {
  readonly card: Model;
  readonly data: ArrayBuffer;
}

/** Where a network runs: WebAssembly on the processor, or WebGPU. */
export type Processor = "wasm" | "webgpu";
export type Processors = Readonly<Record<string, Processor>>;

export type Request =
  | {
      readonly id: number;
      readonly kind: "load";
      readonly weights: readonly Weights[];
      readonly threads: number;
      readonly compute: Compute;
    }
  | {
      readonly id: number;
      readonly kind: "read";
      readonly picture: ImageBitmap;
      readonly how: How;
    };

export interface How {
  /** Longest side of the finest search. */
  readonly finest: number;
  /** Sizes at which each face is read, 1 among them; the mean counts. */
  readonly zooms: readonly number[];
  readonly activation: boolean;
}

export interface Reading {
  readonly width: number;
  readonly height: number;
  readonly faces: Face[];
}

/** What failed, by the name of its sentence. */
export type Failure = "loadFailed" | "readFailed";

export type Answer =
  | { readonly id: number; readonly kind: "done"; readonly reading?: Reading }
  | { readonly id: number; readonly kind: "failed"; readonly at: Failure; readonly reason: string }
  | { readonly id: -1; readonly kind: "requests"; readonly count: number }
  /** Said when networks are loaded, and again when they had to be moved. */
  | { readonly id: -1; readonly kind: "runs"; readonly on: Processors };
