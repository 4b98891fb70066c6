import { describe, expect, it } from "vitest";
import { isolated, indexAt } from "../src/series";

describe("the index at a time", () => {
  const times = [0, 0.5, 1, 1.5];

  it("is the last that is not after it", () => {
    expect([0, 0.4, 0.49, 1.2, 9].map((moment) => indexAt(times, moment))).toEqual([0, 0, 1, 2, 3]);
  });

  it("is 0 if all times are later, or there are none", () => {
    expect(indexAt([1, 2], 0)).toBe(0);
    expect(indexAt([], 3)).toBe(0);
  });
});

describe("isolated values", () => {
  it("have no neighbours", () => {
    expect(isolated([1])).toEqual([0]);
    expect(isolated([0, null, 0.5, null, 1, 1, null, undefined, 0])).toEqual([0, 2, 8]);
    expect(isolated([null, 1, 1])).toEqual([]);
  });
});
