/** Requests are counted in the API layer, which does not depend on views or live analysis. */

import { readdirSync, readFileSync } from "node:fs";
import { afterEach, expect, it, vi } from "vitest";
import { countRequest, observeRequests, requests, resetRequests } from "../src/api/traffic";

afterEach(() => vi.unstubAllGlobals());

it("counts requests since the last reset", () => {
  countRequest();
  resetRequests();
  countRequest();
  countRequest();
  expect(requests.value).toBe(2);
});

it("counts fetched resources, except those that are counted elsewhere", () => {
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
  observeRequests((count) => noticed.push(count), ["fetch"]);
  const fetched = (...entries: string[][]) =>
    notice({ getEntriesByType: () => entries.map(([name, initiatorType]) => ({ name, initiatorType })) });
  fetched(["http://here/a.png", "img"], ["https://there/b.css", "link"], ["http://here/api", "fetch"]);
  fetched(["blob:http://here/1", "img"], ["http://here/api", "fetch"]);
  expect(noticed).toEqual([2]);
});

it("does not depend on views or live analysis", () => {
  const folder = new URL("../src/api/", import.meta.url);
  const imported = readdirSync(folder).flatMap((name) =>
    [...readFileSync(new URL(name, folder), "utf8").matchAll(/from "(\.\.\/\w+)/g)].map(([, from]) => from),
  );
  expect(new Set(imported)).toEqual(new Set(["../strings"]));
});
