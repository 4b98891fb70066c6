/** Replaced networks are released, even if their release fails. */

import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { Answer, Request } from "../src/device/messages";

const { openNetworks, readFaces } = vi.hoisted(() => ({ openNetworks: vi.fn(), readFaces: vi.fn() }));
vi.mock("../src/device/networks", () => ({ openNetworks }));
vi.mock("../src/device/reader", () => ({ readFaces }));
vi.mock("../src/api/traffic", () => ({ observeRequests: () => undefined }));

let said: Answer[];
let worker: { onmessage?: (event: { data: Request }) => void; postMessage: (answer: Answer) => void };

class FakeCanvas {
  getContext = () => ({
    fillRect: () => undefined,
    drawImage: () => undefined,
    getImageData: () => ({ data: new Uint8ClampedArray(4) }),
  });
}

beforeEach(async () => {
  vi.resetModules();
  vi.resetAllMocks();
  said = [];
  worker = { postMessage: (answer) => said.push(answer) };
  vi.stubGlobal("self", worker);
  vi.stubGlobal("OffscreenCanvas", FakeCanvas);
  await import("../src/device/worker");
});
afterEach(() => vi.unstubAllGlobals());

/** Mock networks on a processor; returns their release function. */
function opening(processor: "wasm" | "webgpu") {
  const release = vi.fn(async () => undefined);
  openNetworks.mockResolvedValueOnce(new Map([["detector", { processor, release }]]));
  return release;
}
async function ask(request: object) {
  const id = said.length;
  worker.onmessage?.({ data: { id, ...request } as Request });
  return vi.waitFor(() => {
    const answer = said.find((one) => one.id === id);
    expect(answer).toBeDefined();
    return answer;
  });
}
const load = { kind: "load", weights: [], threads: 1, compute: "fastest" };
const read = () => ({ kind: "read", picture: { width: 1, height: 1, close: () => undefined }, options: {} });

it("releases networks that are loaded again", async () => {
  const [first, second] = [opening("wasm"), opening("wasm")];
  await ask(load);
  expect(first).not.toHaveBeenCalled();
  await ask(load);
  expect(first).toHaveBeenCalledOnce();
  expect(second).not.toHaveBeenCalled();
});

it("continues on the CPU if the GPU is lost and its release fails", async () => {
  const first = opening("webgpu").mockRejectedValue(new Error("the device is lost"));
  const second = opening("wasm");
  await ask(load);
  readFaces.mockRejectedValueOnce(new Error("the device is lost")).mockResolvedValueOnce([]);
  expect(await ask(read())).toMatchObject({ kind: "done", reading: { faces: [] } });
  expect(first).toHaveBeenCalledOnce();
  expect(second).not.toHaveBeenCalled();
  expect(openNetworks.mock.calls.map(([, , compute]) => compute)).toEqual(["fastest", "cpu"]);
});
