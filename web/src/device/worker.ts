/** Reads pictures in a worker thread; no picture leaves it. */

import { observe } from "../api/traffic";
import { luma } from "../vision/raster";
import type { Answer, Reading, Request } from "./messages";
import { type Network, openNetworks } from "./networks";
import { readFaces } from "./reader";

type Load = Extract<Request, { kind: "load" }>;

let networks: ReadonlyMap<string, Network> = new Map();
let loaded: Load | null = null;

const say = (answer: Answer) => self.postMessage(answer);

function greyOf(picture: ImageBitmap) {
  const { width, height } = picture;
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  if (!context) throw new Error("this browser gives no canvas to draw on");
  // Transparent pixels are blended with white, as on the server.
  context.fillStyle = "white";
  context.fillRect(0, 0, width, height);
  context.drawImage(picture, 0, 0);
  return luma(context.getImageData(0, 0, width, height).data, width, height);
}

async function load(request: Load): Promise<void> {
  const before = [...networks.values()];
  networks = await openNetworks(request.weights, request.threads, request.compute);
  loaded = request;
  // Releasing a session may fail if the GPU was lost.
  await Promise.allSettled(before.map((network) => network.release()));
  const on = Object.fromEntries([...networks].map(([name, { processor }]) => [name, processor]));
  say({ id: -1, kind: "runs", on });
}

async function answer(request: Request): Promise<Reading | undefined> {
  if (request.kind === "load") {
    await load(request);
    observe((count) => say({ id: -1, kind: "requests", count }));
    return undefined;
  }
  const grey = greyOf(request.picture);
  request.picture.close();
  const read = () => readFaces(grey, networks, request.how);
  const faces = await read().catch(async (error) => {
    // The GPU may be lost at any time; its networks then move to the CPU.
    if (!loaded || ![...networks.values()].some(({ processor }) => processor === "webgpu")) throw error;
    await load({ ...loaded, compute: "cpu" });
    return read();
  });
  return { width: grey.width, height: grey.height, faces };
}

// One after the other: a session must not run twice at a time.
let last: Promise<void> = Promise.resolve();
self.onmessage = ({ data }: MessageEvent<Request>) => {
  last = last.then(() =>
    answer(data).then(
      (reading) => say({ id: data.id, kind: "done", reading }),
      (error: unknown) => {
        const at = data.kind === "load" ? "loadFailed" : "readFailed";
        say({ id: data.id, kind: "failed", at, reason: String(error) });
      },
    ),
  );
};
