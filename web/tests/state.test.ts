import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

beforeEach(() => vi.stubGlobal("location", { origin: "http://here", hash: "" }));
afterEach(() => vi.unstubAllGlobals());

describe("the count of requests", () => {
  it("begins with what is analysed first, and not again while anything is", async () => {
    const { setRunning } = await import("../src/state");
    const { counted, requests } = await import("../src/api/traffic");
    counted();
    setRunning("film", "server");
    expect(requests.value).toBe(0);
    counted();
    setRunning("photos", "browser");
    setRunning("film", null);
    expect(requests.value).toBe(1);
    setRunning("photos", null);
    setRunning("live", "browser");
    expect(requests.value).toBe(0);
  });
});

describe("the view of an address", () => {
  it("is the one that it names, and live where there is no such view", async () => {
    const { viewOf } = await import("../src/state");
    expect(["#/film", "#photo", "", "#/nowhere"].map(viewOf)).toEqual(["film", "photo", "live", "live"]);
    expect(["#/constructor", "#/toString"].map(viewOf)).toEqual(["live", "live"]);
  });
});
