/** Worker thread that reads pictures; no picture leaves it. */

import { observeRequests } from "../api/traffic";
import { luma } from "../vision/raster";
import type { Answer, Reading, Request } from "./messages";
import { type Network, openNetworks } from "./networks";
import { readFaces } from "./reader";

type Load = Extract<Request, { kind: "load" }>;

let networks: ReadonlyMap<string, Network> = new Map();
let loaded: Load | null = null;

const post = (answer: Answer) => self.postMessage(answer);

function greyOf(picture: ImageBitmap) {
  const { width, height } = picture;
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  if (!context) throw new Error("this browser provides no 2D canvas");
  // Transparent pixels are blended with white, as on the server.
  context.fillStyle = "white";
  context.fillRect(0, 0, width, height);
  context.drawImage(picture, 0, 0);
  const grey = luma(context.getImageData(0, 0, width, height).data, width, height);
  // Release the pixels at once.
  canvas.width = canvas.height = 0;
  return grey;
}

async function load(request: Load): Promise<void> {
  const previous = [...networks.values()];
  networks = await openNetworks(request.weights, request.threads, request.compute);
  loaded = request;
  // Releasing a session may fail if the GPU was lost.
  await Promise.allSettled(previous.map((network) => network.release()));
  const processors = Object.fromEntries([...networks].map(([name, { processor }]) => [name, processor]));
  post({ id: -1, kind: "processors", processors });
}

async function answer(request: Request): Promise<Reading | undefined> {
  if (request.kind === "load") {
    await load(request);
    observeRequests((count) => post({ id: -1, kind: "requests", count }));
    return undefined;
  }
  const grey = greyOf(request.picture);
  request.picture.close();
  const read = () => readFaces(grey, networks, request.options);
  const faces = await read().catch(async (error) => {
    // The GPU may be lost at any time; its networks then move to the CPU.
    if (!loaded || ![...networks.values()].some(({ processor }) => processor === "webgpu")) throw error;
    await load({ ...loaded, compute: "cpu" });
    return read();
  });
  return { width: grey.width, height: grey.height, faces };
}

// Requests are answered one at a time: a session must not run concurrently.
let last: Promise<void> = Promise.resolve();
self.onmessage = ({ data }: MessageEvent<Request>) => {
  last = last.then(() =>
    answer(data).then(
      (reading) => post({ id: data.id, kind: "done", reading }),
      (error: unknown) => {
        const failure = data.kind === "load" ? "loadFailed" : "readFailed";
        post({ id: data.id, kind: "failed", failure, reason: String(error) });
      },
    ),
  );
};
