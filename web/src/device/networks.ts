/** The networks as sessions of the inference runtime, with what their cards say. */

import * as ort from "onnxruntime-web/wasm";
import type { Model } from "../api/types";
import type { Weights } from "./messages";

export interface Network {
  readonly card: Model;
  run(data: Float32Array, shape: readonly number[]): Promise<ort.InferenceSession.OnnxValueMapType>;
}

/** Open all networks, by name. */
export async function openNetworks(weights: readonly Weights[], threads: number): Promise<Map<string, Network>> {
  ort.env.wasm.wasmPaths = new URL("/ort/", self.location.origin).href;
  ort.env.wasm.numThreads = threads;
  ort.env.logLevel = "error";
  const found = new Map<string, Network>();
  for (const { card, data } of weights) {
    const session = await ort.InferenceSession.create(data, { executionProviders: ["wasm"] });
    const input = session.inputNames[0];
    const run: Network["run"] = (values, shape) =>
      session.run({ [input]: new ort.Tensor("float32", values, shape) });
    found.set(card.name, { card, run });
  }
  return found;
}

/** A number that a card must have. */
export function figure(card: Model, name: string): number {
  const value = card.extra[name];
  if (typeof value !== "number") throw new Error(`the card of ${card.file} gives no number ${name}`);
  return value;
}

export function values(found: ort.InferenceSession.OnnxValueMapType, name: string): Float32Array {
  return (found[name] as ort.Tensor).data as Float32Array;
}

export function shape(found: ort.InferenceSession.OnnxValueMapType, name: string): readonly number[] {
  return (found[name] as ort.Tensor).dims;
}
