/** Failed workers are replaced, and readings have a time limit. */

import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Answer, Request } from "../src/device/messages";
import { strings } from "../src/strings";

const workers: FakeWorker[] = [];
let answerLoad: (worker: FakeWorker, id: number) => void;
const reading = { width: 1, height: 1, faces: [] };

class FakeWorker {
  onmessage?: (event: { data: Answer }) => void;
  onerror?: (event: { message: string }) => void;
  readonly asked: Request[] = [];
  readonly terminate = vi.fn();
  constructor() {
    workers.push(this);
  }
  postMessage(request: Request) {
    this.asked.push(request);
    if (request.kind === "load") answerLoad(this, request.id);
  }
  say(answer: Answer) {
    queueMicrotask(() => this.onmessage?.({ data: answer }));
  }
  answer() {
    this.say({ id: this.asked.at(-1)?.id ?? -1, kind: "done", reading });
  }
}

const picture = () => ({ close: vi.fn() }) as unknown as ImageBitmap;

async function loaded() {
  const { device } = await import("../src/device/device");
  await device.load({ models: [] } as never);
  return device;
}
const asks = (worker: number) => vi.waitFor(() => expect(workers[worker]?.asked.at(-1)?.kind).toBe("read"));

beforeEach(() => {
  vi.resetModules();
  workers.length = 0;
  answerLoad = (worker, id) => worker.say({ id, kind: "done" });
  vi.stubGlobal("self", globalThis);
  vi.stubGlobal("location", { origin: "http://here", search: "" });
  vi.stubGlobal("navigator", { hardwareConcurrency: 1 });
  vi.stubGlobal("Worker", FakeWorker);
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

describe("the device", () => {
  it("starts another worker after one failed", async () => {
    const device = await loaded();
    const first = device.readStill(picture());
    await asks(0);
    workers[0].onerror?.({ message: "out of memory" });
    await expect(first).rejects.toThrow(strings.errors.readFailed);
    const second = device.readStill(picture());
    await asks(1);
    workers[1].answer();
    expect(await second).toEqual(reading);
    expect(workers).toHaveLength(2);
  });

  it("starts another worker after the networks could not be started", async () => {
    answerLoad = (worker, id) => worker.say({ id, kind: "failed", failure: "loadFailed", reason: "offline" });
    await expect(loaded()).rejects.toThrow(strings.errors.loadFailed);
    expect(workers[0].terminate).toHaveBeenCalled();
    answerLoad = (worker, id) => worker.say({ id, kind: "done" });
    await loaded();
    expect(workers).toHaveLength(2);
  });

  it("gives up networks that do not start", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    answerLoad = () => undefined;
    const stuck = loaded();
    stuck.catch(() => undefined);
    await vi.waitFor(() => expect(workers[0]?.asked).toHaveLength(1));
    vi.advanceTimersByTime(300_000);
    await expect(stuck).rejects.toThrow(strings.errors.loadFailed);
    expect(workers[0].terminate).toHaveBeenCalled();
  });

  it("terminates the worker after the time limit", async () => {
    const device = await loaded();
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const shot = picture();
    const lost = device.readStill(shot);
    lost.catch(() => undefined);
    await asks(0);
    vi.advanceTimersByTime(120_000);
    await expect(lost).rejects.toThrow(strings.errors.readFailed);
    expect(workers[0].terminate).toHaveBeenCalled();
    expect(shot.close).toHaveBeenCalled();
  });

  it("turns failure codes of the worker into messages", async () => {
    const device = await loaded();
    const failing = device.readStill(picture());
    await asks(0);
    const { id } = workers[0].asked.at(-1) as Request;
    workers[0].say({ id, kind: "failed", failure: "readFailed", reason: "TypeError: x" });
    await expect(failing).rejects.toMatchObject({ message: strings.errors.readFailed, cause: "TypeError: x" });
  });
});
