/** Live analysis on the server: one picture is sent at a time, and its reading returned. */

import { apiError } from "../api/client";
import { countRequest } from "../api/traffic";
import type { LiveAnswer } from "../api/types";
import type { Reading } from "../device/messages";
import { strings } from "../strings";

const JPEG_QUALITY = 0.85;
const TIMEOUT_MS = 10_000;
/** WebSocket close codes of the server: token missing, limit of live connections reached. */
const TOKEN_MISSING = 1008;
const TRY_LATER = 1013;

interface Pending {
  resolve: (reading: Reading) => void;
  reject: (error: Error) => void;
}

export class LiveSocket {
  #connection: Connection | null = null;

  /** Send and close one picture and wait for its reading; not sent if no longer `wanted`. */
  async read(picture: ImageBitmap, wanted: () => boolean): Promise<Reading | null> {
    try {
      if (!this.#connection?.open) this.#connection = new Connection();
      const connection = this.#connection;
      await connection.opened;
      if (!wanted()) return null;
      const data = await encodeJpeg(picture);
      return wanted() ? await connection.ask(data) : null;
    } finally {
      picture.close();
    }
  }

  close(): void {
    this.#connection?.close();
    this.#connection = null;
  }
}

/** One WebSocket connection; its late events do not affect a later one. */
class Connection {
  readonly opened: Promise<void>;
  readonly #socket: WebSocket;
  #pending: Pending | null = null;
  /** A problem that the server sent before any request. */
  #problem: Error | null = null;

  constructor() {
    countRequest();
    const socket = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/api/v1/live`);
    this.#socket = socket;
    this.opened = new Promise((resolve, reject) => {
      socket.onopen = () => resolve();
      socket.onmessage = ({ data }) => this.#receive(JSON.parse(data));
      socket.onclose = ({ code }) => {
        this.#problem ??= closeError(code);
        reject(this.#problem);
        this.#pending?.reject(this.#problem);
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
    if (!this.open) throw this.#problem ?? new Error(strings.errors.reconnecting);
    countRequest();
    this.#socket.send(data);
    const reading = new Promise<Reading>((resolve, reject) => {
      this.#pending = { resolve, reject };
    });
    const timer = setTimeout(() => {
      this.#pending?.reject(new Error(strings.errors.reconnecting));
      this.close();
    }, TIMEOUT_MS);
    return reading.finally(() => {
      clearTimeout(timer);
      this.#pending = null;
    });
  }

  #receive(answer: LiveAnswer): void {
    if (answer.kind === "reading") {
      this.#pending?.resolve(answer);
      return;
    }
    const problem = apiError(answer.detail, answer.status);
    if (this.#pending) this.#pending.reject(problem);
    else this.#problem = problem;
  }
}

async function encodeJpeg(picture: ImageBitmap): Promise<ArrayBuffer> {
  const canvas = new OffscreenCanvas(picture.width, picture.height);
  canvas.getContext("2d")?.drawImage(picture, 0, 0);
  const blob = await canvas.convertToBlob({ type: "image/jpeg", quality: JPEG_QUALITY });
  // Release the pixels at once.
  canvas.width = canvas.height = 0;
  return blob.arrayBuffer();
}

function closeError(code: number): Error {
  if (code === TOKEN_MISSING) return apiError(strings.token.title, 401);
  return new Error(code === TRY_LATER ? strings.errors.tooManyConnections : strings.errors.reconnecting);
}
