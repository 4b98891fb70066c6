import { readFileSync } from "node:fs";
import type { Plugin } from "vite";
import { defineConfig } from "vitest/config";
import { strings } from "./src/strings.ts";

/** The second pair is loaded only where there is WebGPU. */
const RUNTIME = ["ort-wasm-simd-threaded", "ort-wasm-simd-threaded.asyncify"].flatMap((name) => [
  `${name}.mjs`,
  `${name}.wasm`,
]);

/** The inference runtime is served as it is: its threads load its own file again. */
function runtimeFiles(): Plugin {
  return {
    name: "runtime-files",
    generateBundle() {
      for (const name of RUNTIME) {
        const source = readFileSync(new URL(`node_modules/onnxruntime-web/dist/${name}`, import.meta.url));
        this.emitFile({ type: "asset", fileName: `ort/${name}`, source });
      }
    },
  };
}

/** What the page says before it runs comes from where all its words are. */
function words(): Plugin {
  const named = /%(about|name|noScript)%/g;
  return {
    name: "words",
    transformIndexHtml: (html) => html.replace(named, (_, name: "about" | "name" | "noScript") => strings[name]),
  };
}

/** The icon comes with the page: browsers fetch one of a file again with each change of the view. */
function icon(): Plugin {
  const source = readFileSync(new URL("public/icon.svg", import.meta.url), "utf8").trim();
  const address = `data:image/svg+xml,${encodeURIComponent(source)}`;
  return {
    name: "icon",
    transformIndexHtml: { order: "pre", handler: (html) => html.replace("%icon%", address) },
  };
}

export default defineConfig({
  plugins: [runtimeFiles(), words(), icon()],
  resolve: { conditions: ["onnxruntime-web-use-extern-wasm", "import", "module", "browser", "default"] },
  worker: { format: "es" },
  build: {
    outDir: "../src/mien/apps/web/static",
    emptyOutDir: true,
    target: "es2022",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  // What lies in e2e/ needs a browser and has a runner of its own.
  test: { dir: "tests", testTimeout: 30_000 },
  server: { proxy: { "/api": { target: "http://127.0.0.1:8383", ws: true }, "/weights": "http://127.0.0.1:8383" } },
});
