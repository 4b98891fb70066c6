import { describe, expect, it } from "vitest";

import { strings } from "../src/strings";

describe("signed numbers", () => {
  it("have a sign unless they are shown as nothing", () => {
    expect(strings.signed(0.25)).toBe("+0.25");
    expect(strings.signed(-0.25)).toBe("−0.25");
    expect(strings.signed(0)).toBe("0.00");
    expect(strings.signed(-0.004)).toBe("0.00");
    expect(strings.signed(0.004)).toBe("0.00");
    expect(strings.signed(-0.04, 1)).toBe("0.0");
  });
});
