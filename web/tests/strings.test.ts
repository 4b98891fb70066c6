import { describe, expect, it } from "vitest";

import { strings } from "../src/strings";

describe("signed numbers", () => {
  it("have a sign unless they round to zero", () => {
    expect(strings.signed(0.25)).toBe("+0.25");
    expect(strings.signed(-0.25)).toBe("−0.25");
    expect(strings.signed(0)).toBe("0.00");
    expect(strings.signed(-0.004)).toBe("0.00");
    expect(strings.signed(0.004)).toBe("0.00");
    expect(strings.signed(-0.04, 1)).toBe("0.0");
  });
});

describe("times", () => {
  it("carry rounded seconds over to minutes", () => {
    expect([0, 4.2, 59.94, 59.96, 119.97, 3725.5].map(strings.clock)).toEqual([
      "0:00.0",
      "0:04.2",
      "0:59.9",
      "1:00.0",
      "2:00.0",
      "62:05.5",
    ]);
  });
});
