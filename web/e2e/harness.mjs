/** A server, a browser with a fake camera, and sample media, for tests and screenshots. */

import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";

export const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const PYTHON = process.env.MIEN_PYTHON ?? join(ROOT, ".venv/bin/python");
const CHROMIUM = process.env.MIEN_CHROMIUM ?? "/usr/bin/chromium";

/** What is missing for the tests to run, or null. */
export function missing() {
  if (!existsSync(CHROMIUM)) return "Chromium is not installed";
  if (!existsSync(join(ROOT, "src/mien/apps/web/static/index.html"))) return "the pages are not built";
  return null;
}

/** Sample photograph, clip and camera picture, made by examples/samples.py. */
export function sampleMedia() {
  const folder = mkdtempSync(join(tmpdir(), "mien-samples-"));
  const made = spawnSync(PYTHON, [join(ROOT, "examples/samples.py"), folder, "--camera"], { encoding: "utf8" });
  if (made.status !== 0) throw new Error(made.stderr);
  const portrait = join(folder, "portrait.jpg");
  const varied = spawnSync(PYTHON, [join(ROOT, "web/e2e/variants.py"), portrait, folder], { encoding: "utf8" });
  if (varied.status !== 0) throw new Error(varied.stderr);
  return {
    folder,
    photo: join(folder, "astronaut.png"),
    portrait,
    /** The portrait rotated by EXIF, grey, progressive, and several small ones in one picture. */
    variants: ["turned.jpg", "grey.jpg", "progressive.jpg", "several.png"].map((name) => join(folder, name)),
    /** A film with sample aspect ratio 2:1, one that begins at 100 s, and an animation. */
    oblong: join(folder, "oblong.mp4"),
    late: join(folder, "late.mp4"),
    moving: join(folder, "moving.gif"),
    film: join(folder, "astronaut.mp4"),
    camera: join(folder, "camera.mjpeg"),
    remove: () => rmSync(folder, { recursive: true }),
  };
}

/** Start `mien serve`, by default on a free port. */
export async function startServer(port = 0) {
  const options = ["-m", "mien", "serve", "--port", String(port), "--workers", "1"];
  const server = spawn(PYTHON, options, { stdio: ["ignore", "ignore", "pipe"] });
  const line = await new Promise((resolve, reject) => {
    server.stderr.once("data", (data) => resolve(String(data)));
    server.once("exit", (code) => reject(new Error(`the server ended with ${code}`)));
  });
  const found = /:(\d+)/.exec(line);
  if (!found) throw new Error(line);
  const stop = () => {
    const ended = new Promise((resolve) => server.once("exit", resolve));
    server.kill("SIGINT");
    return ended;
  };
  const url = `http://127.0.0.1:${found[1]}`;
  for (let tries = 0; tries < 200; tries++) {
    const ready = await fetch(`${url}/readyz`).catch(() => null);
    if (ready?.ok) return { url, port: Number(found[1]), stop };
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error("the server did not become ready");
}

/** Chromium options for a software WebGPU adapter. */
export const SOFTWARE_GPU = ["--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader"];

/** Start a browser with a fake camera that plays a file; without a file, no camera can be opened. */
export function startBrowser(camera, more = []) {
  const args = [
    ...more,
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    ...(camera
      ? [
          "--use-fake-ui-for-media-stream",
          "--use-fake-device-for-media-stream",
          `--use-file-for-fake-video-capture=${camera}`,
        ]
      : []),
  ];
  return chromium.launch({ executablePath: CHROMIUM, args });
}
