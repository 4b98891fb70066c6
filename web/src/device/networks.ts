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

/** Typical input shape of each network, for the benchmark of CPU and GPU. */
const BENCHMARK_SHAPES: Readonly<Record<string, readonly number[]>> = {
  detector: [1, 1, 480, 640],
  refiner: [8, 1, 64, 64],
  landmarks: [4, 1, 64, 64],
  expression: [1, 1, 48, 48],
};
const BENCHMARK_RUNS = 3;

/** Open all networks, by name, each on the processor on which it runs faster. */
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
  const networks = new Map<string, Network>();
  for (const one of weights) networks.set(one.card.name, await openNetwork(runtime, one, gpu, compute));
  return networks;
}

async function openNetwork(runtime: Runtime, one: Weights, gpu: boolean, compute: Compute): Promise<Network> {
  if (!gpu) return load(runtime, one, "wasm");
  const shape = BENCHMARK_SHAPES[one.card.name];
  const onGpu = await load(runtime, one, "webgpu").catch(() => null);
  const gpuTime = onGpu && (await benchmark(onGpu, shape));
  if (onGpu && gpuTime !== null && compute === "gpu") return onGpu;
  const onCpu = await load(runtime, one, "wasm");
  const cpuTime = await benchmark(onCpu, shape);
  const gpuIsFaster = gpuTime !== null && cpuTime !== null && gpuTime < cpuTime;
  const [kept, other] = onGpu && gpuIsFaster ? [onGpu, onCpu] : [onCpu, onGpu];
  await other?.release();
  return kept;
}

async function load(runtime: Runtime, { card, data }: Weights, processor: Processor): Promise<Network> {
  const session = await runtime.InferenceSession.create(data, { executionProviders: [processor] });
  const input = session.inputNames[0];
  const run: Network["run"] = (values, shape) =>
    session.run({ [input]: new runtime.Tensor("float32", values, shape) });
  return { card, processor, run, release: () => session.release() };
}

/** Median duration of a run in ms, after a first run, which compiles; null on failure. */
async function benchmark(network: Network, shape: readonly number[]): Promise<number | null> {
  const data = new Float32Array(shape.reduce((product, side) => product * side, 1));
  const times: number[] = [];
  try {
    for (let run = 0; run <= BENCHMARK_RUNS; run++) {
      const start = performance.now();
      await network.run(data, shape);
      times.push(performance.now() - start);
    }
  } catch {
    return null;
  }
  return times.slice(1).sort((a, b) => a - b)[Math.floor(BENCHMARK_RUNS / 2)];
}

/** A required number of a card. */
export function cardNumber(card: Model, name: string): number {
  const value = card.extra[name];
  if (typeof value !== "number") throw new Error(`the card of ${card.file} gives no number ${name}`);
  return value;
}

export function values(outputs: Outputs, name: string): Float32Array {
  return (outputs[name] as Tensor).data as Float32Array;
}

/** The mean of an output over the batch. */
export function batchMean(outputs: Outputs, name: string): Float32Array {
  const all = values(outputs, name);
  const count = shape(outputs, name)[0];
  const size = all.length / count;
  return Float32Array.from({ length: size }, (_, k) => {
    let sum = 0;
    for (let index = 0; index < count; index++) sum += all[index * size + k];
    return sum / count;
  });
}

export function shape(outputs: Outputs, name: string): readonly number[] {
  return (outputs[name] as Tensor).dims;
}
