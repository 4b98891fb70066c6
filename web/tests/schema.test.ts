/** The types match the OpenAPI document; `make client` regenerates them. */

import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";

const at = (path: string) => fileURLToPath(new URL(path, import.meta.url));

it("is generated from the OpenAPI document", { timeout: 120_000 }, () => {
  const tool = at("../node_modules/openapi-typescript/bin/cli.js");
  const made = execFileSync(process.execPath, [tool, at("../openapi.json")], { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
  expect(made).toBe(readFileSync(at("../src/api/schema.ts"), "utf8"));
});
