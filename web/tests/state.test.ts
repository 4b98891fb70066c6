import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { strings } from "../src/strings";

beforeEach(() => vi.stubGlobal("location", { origin: "http://here", hash: "" }));
afterEach(() => vi.unstubAllGlobals());

describe("the count of requests", () => {
  it("is reset by the first analysis only", async () => {
    const { setRunning } = await import("../src/state");
    const { countRequest, requests } = await import("../src/api/traffic");
    countRequest();
    setRunning("film", "server");
    expect(requests.value).toBe(0);
    countRequest();
    setRunning("photos", "browser");
    setRunning("film", null);
    expect(requests.value).toBe(1);
    setRunning("photos", null);
    setRunning("live", "browser");
    expect(requests.value).toBe(0);
  });
});

describe("the server's models", () => {
  afterEach(() => {
    vi.useRealTimers();
    vi.resetModules();
  });

  it("are awaited until they are known", async () => {
    vi.useFakeTimers();
    const { awaitModels, models } = await import("../src/state");
    const asking = awaitModels();
    await vi.advanceTimersByTimeAsync(2500);
    models.value = { models: [] } as never;
    await vi.advanceTimersByTimeAsync(100);
    expect(await asking).toBe(models.value);
  });

  it.each([0, 10_100])("are reported unavailable on a problem, or without an answer: after %s ms", async (wait) => {
    vi.useFakeTimers();
    const { awaitModels, connectionProblem } = await import("../src/state");
    if (!wait) connectionProblem.value = "no server";
    const refused = expect(awaitModels()).rejects.toThrow(strings.errors.modelsNotLoaded);
    await vi.advanceTimersByTimeAsync(wait);
    await refused;
  });
});

describe("the view of a URL", () => {
  it("is the one named in the hash, or else live", async () => {
    const { viewOf } = await import("../src/state");
    expect(["#/film", "#photo", "", "#/nowhere"].map(viewOf)).toEqual(["film", "photo", "live", "live"]);
    expect(["#/constructor", "#/toString"].map(viewOf)).toEqual(["live", "live"]);
  });
});
