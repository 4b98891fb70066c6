import { afterEach, beforeEach, expect, it, vi } from "vitest";

const stored = new Map<string, string>();

beforeEach(() => {
  stored.clear();
  vi.stubGlobal("location", { origin: "http://here", hash: "" });
  vi.stubGlobal("localStorage", {
    getItem: (key: string) => stored.get(key) ?? null,
    setItem: (key: string, value: string) => stored.set(key, value),
    removeItem: (key: string) => stored.delete(key),
  });
});
afterEach(() => vi.unstubAllGlobals());

/** The module as another tab has it. */
async function newTab() {
  vi.resetModules();
  return import("../src/consent");
}

it("consent for the server covers this browser, and no other version", async () => {
  const { agree, agreedTo } = await newTab();
  agree("1", "browser");
  expect([agreedTo("1", "browser"), agreedTo("1", "server")]).toEqual([true, false]);
  agree("1", "server");
  expect([agreedTo("1", "browser"), agreedTo("1", "server"), agreedTo("2", "browser")]).toEqual([true, true, false]);
});

it("what one tab agrees to or withdraws holds for the others", async () => {
  const first = await newTab();
  const second = await newTab();
  first.agree("1", "server");
  second.followStorage({ key: "mien.consent" } as StorageEvent);
  expect(second.agreedTo("1", "server")).toBe(true);
  first.withdraw();
  second.followStorage({ key: "another" } as StorageEvent);
  expect(second.agreedTo("1", "server")).toBe(true);
  second.followStorage({ key: null } as StorageEvent);
  expect(second.agreedTo("1", "server")).toBe(false);
});
