/** Inference sessions of the networks, with the parameters of their cards. */

import type { InferenceSession, Tensor } from "onnxruntime-web";
import type { Model } from "../api/types";
import { type Compute, findGpu } from "./compute";
import type { Processor, Weights } from "./messages";

type Runtime = typeof import("onnxruntime-web/wasm");
export type Outputs = InferenceSession.OnnxValueMapType;

export interface Network {
  readonly card: Model;
  readonly processor: Processor;
  run(data: Float32Array, shape: readonly number[]): Promise<Outputs>;
  release(): Promise<void>;
}

/** Typical input size of each network, to benchmark where it runs faster. */
const TRIAL: Readonly<Record<string, readonly number[]>> = {
  detector: [1, 1, 480, 640],
  refiner: [8, 1, 64, 64],
  landmarks: [4, 1, 64, 64],
  expression: [1, 1, 48, 48],
};
const TRIALS = 3;

/** Open all networks, by name, each on the processor that it runs faster on. */
export async function openNetworks(
  weights: readonly Weights[],
  threads: number,
  compute: Compute,
): Promise<Map<string, Network>> {
  const gpu = await findGpu(compute);
  const runtime = gpu ? await import("onnxruntime-web/webgpu") : await import("onnxruntime-web/wasm");
  runtime.env.wasm.wasmPaths = new URL("/ort/", self.location.origin).href;
  runtime.env.wasm.numThreads = threads;
  runtime.env.logLevel = "error";
  const found = new Map<string, Network>();
  for (const one of weights) found.set(one.card.name, await openNetwork(runtime, one, gpu, compute));
  return found;
}

async function openNetwork(runtime: Runtime, one: Weights, gpu: boolean, compute: Compute): Promise<Network> {
  if (!gpu) return load(runtime, one, "wasm");
  const shape = TRIAL[one.card.name];
  const fast = await load(runtime, one, "webgpu").catch(() => null);
  const time = fast && (await timed(fast, shape));
  if (fast && time !== null && compute === "gpu") return fast;
  const plain = await load(runtime, one, "wasm");
  const other = await timed(plain, shape);
  const [kept, left] = fast && time !== null && other !== null && time < other ? [fast, plain] : [plain, fast];
  await left?.release();
  return kept;
}

async function load(runtime: Runtime, { card, data }: Weights, processor: Processor): Promise<Network> {
  const session = await runtime.InferenceSession.create(data, { executionProviders: [processor] });
  const input = session.inputNames[0];
  const run: Network["run"] = (values, shape) =>
    session.run({ [input]: new runtime.Tensor("float32", values, shape) });
  return { card, processor, run, release: () => session.release() };
}

/** Median duration of a run in milliseconds, without the first, which compiles; null on failure. */
async function timed(network: Network, shape: readonly number[]): Promise<number | null> {
  const data = new Float32Array(shape.reduce((product, side) => product * side, 1));
  const times: number[] = [];
  try {
    for (let trial = 0; trial <= TRIALS; trial++) {
      const began = performance.now();
      await network.run(data, shape);
      times.push(performance.now() - began);
    }
  } catch {
    return null;
  }
  return times.slice(1).sort((a, b) => a - b)[Math.floor(TRIALS / 2)];
}

/** A required number of a card. */
export function figure(card: Model, name: string): number {
  const value = card.extra[name];
  if (typeof value !== "number") throw new Error(`the card of ${card.file} gives no number ${name}`);
  return value;
}

export function values(found: Outputs, name: string): Float32Array {
  return (found[name] as Tensor).data as Float32Array;
}

/** The mean of an output over the batch. */
export function mean(found: Outputs, name: string): Float32Array {
  const all = values(found, name);
  const count = shape(found, name)[0];
  const one = all.length / count;
  return Float32Array.from({ length: one }, (_, k) => {
    let sum = 0;
    for (let look = 0; look < count; look++) sum += all[look * one + k];
    return sum / count;
  });
}

export function shape(found: Outputs, name: string): readonly number[] {
  return (found[name] as Tensor).dims;
}
