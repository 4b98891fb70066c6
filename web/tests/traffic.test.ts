/** What this page asks of the network is counted beside its clients, which know nothing of what is live. */

import { readdirSync, readFileSync } from "node:fs";
import { afterEach, expect, it, vi } from "vitest";
import { counted, observe, requests, startCounting } from "../src/api/traffic";

afterEach(() => vi.unstubAllGlobals());

it("is counted from when counting starts", () => {
  counted();
  startCounting();
  counted();
  counted();
  expect(requests.value).toBe(2);
});

it("is what was fetched from anywhere, but for what is counted elsewhere", () => {
  const noticed: number[] = [];
  let notice = (_: object): void => undefined;
  vi.stubGlobal(
    "PerformanceObserver",
    class {
      observe = () => undefined;
      constructor(heard: typeof notice) {
        notice = heard;
      }
    },
  );
  observe((count) => noticed.push(count), ["fetch"]);
  const fetched = (...entries: string[][]) =>
    notice({ getEntriesByType: () => entries.map(([name, initiatorType]) => ({ name, initiatorType })) });
  fetched(["http://here/a.png", "img"], ["https://there/b.css", "link"], ["http://here/api", "fetch"]);
  fetched(["blob:http://here/1", "img"], ["http://here/api", "fetch"]);
  expect(noticed).toEqual([2]);
});

it("is counted without the views and what is live", () => {
  const folder = new URL("../src/api/", import.meta.url);
  const imported = readdirSync(folder).flatMap((name) =>
    [...readFileSync(new URL(name, folder), "utf8").matchAll(/from "(\.\.\/\w+)/g)].map(([, from]) => from),
  );
  expect(new Set(imported)).toEqual(new Set(["../strings"]));
});
