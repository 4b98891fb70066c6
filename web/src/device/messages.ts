/** Messages between page and worker. */

import type { Face, Model, Models } from "../api/types";
import type { Compute } from "./compute";

const NETWORKS = ["detector", "refiner", "landmarks", "expression"];

/** The listed networks that a page uses. */
export function pageNetworks({ models }: Models): Model[] {
  return models.filter(({ name }) => NETWORKS.includes(name));
}

export interface Weights {
  readonly card: Model;
  readonly data: ArrayBuffer;
}

/** Execution provider of a network: WebAssembly on the CPU, or WebGPU. */
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
      readonly options: ReadOptions;
    };

export interface ReadOptions {
  /** Longest side of the finest search in pixels. */
  readonly searchSize: number;
  /** Scales of test-time augmentation, including 1. */
  readonly zooms: readonly number[];
  /** Whether to compute activation maps. */
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
  | { readonly id: number; readonly kind: "failed"; readonly failure: Failure; readonly reason: string }
  | { readonly id: -1; readonly kind: "requests"; readonly count: number }
  /** Sent when networks are loaded, and again if they move to another processor. */
  | { readonly id: -1; readonly kind: "processors"; readonly processors: Processors };
