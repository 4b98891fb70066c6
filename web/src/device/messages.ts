/** Messages between page and worker. */

import type { Face, Model, Models } from "../api/types";
import type { Compute } from "./compute";

const NETWORKS = ["detector", "refiner", "landmarks", "expression"];

/** The networks, of those that the server lists, that a page uses. */
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
  /** Scales of the crops of each face, including 1, over which the predictions are averaged. */
  readonly zooms: readonly number[];
  readonly activation: boolean;
}

export interface Reading {
  readonly width: number;
  readonly height: number;
  readonly faces: Face[];
}

/** Key of the error message in `strings.errors`. */
export type Failure = "loadFailed" | "readFailed";

export type Answer =
  | { readonly id: number; readonly kind: "done"; readonly reading?: Reading }
  | { readonly id: number; readonly kind: "failed"; readonly at: Failure; readonly reason: string }
  | { readonly id: -1; readonly kind: "requests"; readonly count: number }
  /** Sent when networks are loaded, and again if they had to move to another processor. */
  | { readonly id: -1; readonly kind: "runs"; readonly on: Processors };
