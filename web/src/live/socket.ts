/** The server as a live reader: one picture at a time goes out, its reading comes back. */

import type { LiveAnswer } from "../api/types";
import type { Reading } from "../device/messages";
import { strings } from "../strings";
import { counted } from "./traffic";

const QUALITY = 0.85;
const PATIENCE_MS = 10_000;

export class LiveSocket {
  #socket: WebSocket | null = null;
  #canvas = document.createElement("canvas");

  async read(picture: ImageBitmap): Promise<Reading> {
    const socket = await this.#open();
    this.#canvas.width = picture.width;
    this.#canvas.height = picture.height;
    this.#canvas.getContext("2d")?.drawImage(picture, 0, 0);
    picture.close();
    const blob = await new Promise<Blob | null>((done) => this.#canvas.toBlob(done, "image/jpeg", QUALITY));
    if (!blob) throw new Error(strings.errors.unexpected);
    counted();
    socket.send(await blob.arrayBuffer());
    return this.#answer(socket);
  }

  close(): void {
    this.#socket?.close();
    this.#socket = null;
  }

  #open(): Promise<WebSocket> {
    if (this.#socket?.readyState === WebSocket.OPEN) return Promise.resolve(this.#socket);
    counted();
    const socket = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/api/v1/live`);
    this.#socket = socket;
    return new Promise((resolve, reject) => {
      socket.onopen = () => resolve(socket);
      socket.onerror = () => reject(new Error(strings.errors.serverGone));
    });
  }

  #answer(socket: WebSocket): Promise<Reading> {
    return new Promise((resolve, reject) => {
      const gone = () => {
        clearTimeout(timer);
        socket.close();
        reject(new Error(strings.errors.serverGone));
      };
      const timer = setTimeout(gone, PATIENCE_MS);
      socket.onclose = gone;
      socket.onmessage = ({ data }) => {
        clearTimeout(timer);
        const answer = JSON.parse(data) as LiveAnswer | { kind: "problem"; detail: string };
        if (answer.kind === "reading") resolve(answer);
        else reject(new Error((answer as { detail: string }).detail));
      };
      // It may have closed while the picture was being packed.
      if (socket.readyState !== WebSocket.OPEN) gone();
    });
  }
}
