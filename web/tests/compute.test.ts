import { afterEach, describe, expect, it, vi } from "vitest";
import { findGpu, wantedCompute } from "../src/device/compute";

afterEach(() => vi.unstubAllGlobals());

function browserWith(requestAdapter?: () => Promise<unknown>) {
  vi.stubGlobal("navigator", requestAdapter ? { gpu: { requestAdapter } } : {});
}

describe("the processor", () => {
  it("can be requested in the URL", () => {
    expect(wantedCompute("?compute=gpu")).toBe("gpu");
    expect(wantedCompute("?compute=cpu&x=1")).toBe("cpu");
    expect(wantedCompute("?compute=abacus")).toBe("fastest");
    expect(wantedCompute("")).toBe("fastest");
  });

  it("is the CPU if there is no GPU", async () => {
    browserWith();
    expect(await findGpu("fastest")).toBe(false);
    browserWith(async () => null);
    expect(await findGpu("gpu")).toBe(false);
    browserWith(() => Promise.reject(new Error("lost")));
    expect(await findGpu("gpu")).toBe(false);
  });

  it("is the GPU, but a software adapter only if requested", async () => {
    browserWith(async () => ({ info: { isFallbackAdapter: false } }));
    expect(await findGpu("fastest")).toBe(true);
    expect(await findGpu("cpu")).toBe(false);
    for (const adapter of [{ info: { isFallbackAdapter: true } }, { isFallbackAdapter: true }]) {
      browserWith(async () => adapter);
      expect(await findGpu("fastest")).toBe(false);
      expect(await findGpu("gpu")).toBe(true);
    }
  });
});
