import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

beforeEach(() => vi.stubGlobal("location", { origin: "http://here", hash: "" }));
afterEach(() => vi.unstubAllGlobals());

describe("the view of an address", () => {
  it("is the one that it names, and live where there is no such view", async () => {
    const { viewOf } = await import("../src/state");
    expect(["#/film", "#photo", "", "#/nowhere"].map(viewOf)).toEqual(["film", "photo", "live", "live"]);
    expect(["#/constructor", "#/toString"].map(viewOf)).toEqual(["live", "live"]);
  });
});
