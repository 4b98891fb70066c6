/** Live reading by the server: one picture is sent at a time, and its reading returned. */

import { refused } from "../api/client";
import { counted } from "../api/traffic";
import type { LiveAnswer } from "../api/types";
import type { Reading } from "../device/messages";
import { strings } from "../strings";

const QUALITY = 0.85;
const PATIENCE_MS = 10_000;
/** Close codes of the server: token missing, limit of live connections reached. */
const TOKEN_MISSING = 1008;
const TRY_LATER = 1013;

interface Waiting {
  resolve: (reading: Reading) => void;
  reject: (error: Error) => void;
}

export class LiveSocket {
  #line: Line | null = null;

  /** Send and close one picture and wait for its reading; not sent if no longer `wanted`. */
  async read(picture: ImageBitmap, wanted: () => boolean): Promise<Reading | null> {
    try {
      if (!this.#line?.open) this.#line = new Line();
      const line = this.#line;
      await line.opened;
      if (!wanted()) return null;
      const data = await packed(picture);
      return wanted() ? await line.ask(data) : null;
    } finally {
      picture.close();
    }
  }

  close(): void {
    this.#line?.close();
    this.#line = null;
  }
}

/** One connection; its late events do not affect a later one. */
class Line {
  readonly opened: Promise<void>;
  readonly #socket: WebSocket;
  #waiting: Waiting | null = null;
  /** A problem that the server sent before any request. */
  #refusal: Error | null = null;

  constructor() {
    counted();
    const socket = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/api/v1/live`);
    this.#socket = socket;
    this.opened = new Promise((resolve, reject) => {
      socket.onopen = () => resolve();
      socket.onmessage = ({ data }) => this.#hear(JSON.parse(data));
      socket.onclose = ({ code }) => {
        this.#refusal ??= cause(code);
        reject(this.#refusal);
        this.#waiting?.reject(this.#refusal);
      };
    });
  }

  get open(): boolean {
    return this.#socket.readyState === WebSocket.OPEN;
  }

  close(): void {
    this.#socket.close();
  }

  ask(data: ArrayBuffer): Promise<Reading> {
    // The socket may have closed while the picture was encoded.
    if (!this.open) throw this.#refusal ?? new Error(strings.errors.serverGone);
    counted();
    this.#socket.send(data);
    const answered = new Promise<Reading>((resolve, reject) => {
      this.#waiting = { resolve, reject };
    });
    const timer = setTimeout(() => {
      this.#waiting?.reject(new Error(strings.errors.serverGone));
      this.close();
    }, PATIENCE_MS);
    return answered.finally(() => {
      clearTimeout(timer);
      this.#waiting = null;
    });
  }

  #hear(answer: LiveAnswer): void {
    if (answer.kind === "reading") {
      this.#waiting?.resolve(answer);
      return;
    }
    const refusal = refused(answer.detail, answer.status);
    if (this.#waiting) this.#waiting.reject(refusal);
    else this.#refusal = refusal;
  }
}

async function packed(picture: ImageBitmap): Promise<ArrayBuffer> {
  const canvas = new OffscreenCanvas(picture.width, picture.height);
  canvas.getContext("2d")?.drawImage(picture, 0, 0);
  const blob = await canvas.convertToBlob({ type: "image/jpeg", quality: QUALITY });
  // Release the pixels at once.
  canvas.width = canvas.height = 0;
  return blob.arrayBuffer();
}

function cause(code: number): Error {
  if (code === TOKEN_MISSING) return refused(strings.token.title, 401);
  return new Error(code === TRY_LATER ? strings.errors.tooMany : strings.errors.serverGone);
}
