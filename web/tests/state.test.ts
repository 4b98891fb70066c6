import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { strings } from "../src/strings";

beforeEach(() => vi.stubGlobal("location", { origin: "http://here", hash: "" }));
afterEach(() => vi.unstubAllGlobals());

describe("the count of requests", () => {
  it("begins with what is analysed first, and not again while anything is", async () => {
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

describe("what the server has", () => {
  afterEach(() => {
    vi.useRealTimers();
    vi.resetModules();
  });

  it("is waited for until it is known", async () => {
    vi.useFakeTimers();
    const { awaitModels, models } = await import("../src/state");
    const asking = awaitModels();
    await vi.advanceTimersByTimeAsync(2500);
    models.value = { models: [] } as never;
    await vi.advanceTimersByTimeAsync(100);
    expect(await asking).toBe(models.value);
  });

  it.each([0, 10_100])("is given up where there is trouble, or no answer: after %s ms", async (wait) => {
    vi.useFakeTimers();
    const { awaitModels, connectionProblem } = await import("../src/state");
    if (!wait) connectionProblem.value = "no server";
    const refused = expect(awaitModels()).rejects.toThrow(strings.errors.modelsNotLoaded);
    await vi.advanceTimersByTimeAsync(wait);
    await refused;
  });
});

describe("the view of an address", () => {
  it("is the one that it names, and live where there is no such view", async () => {
    const { viewOf } = await import("../src/state");
    expect(["#/film", "#photo", "", "#/nowhere"].map(viewOf)).toEqual(["film", "photo", "live", "live"]);
    expect(["#/constructor", "#/toString"].map(viewOf)).toEqual(["live", "live"]);
  });
});
