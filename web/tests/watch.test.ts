/** The live loop: no picture is sent after a change of place or after Stop. */

import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Place } from "../src/state";
import { strings } from "../src/strings";
import { made } from "./faces";

const sockets: FakeSocket[] = [];
const pictures: { width: number; height: number; close: ReturnType<typeof vi.fn> }[] = [];
let media: EventTarget & { enumerateDevices: () => Promise<object[]>; getUserMedia: () => Promise<object> };
let frames: (() => void)[] = [];
let deliver: (() => void)[] = [];

class FakeSocket {
  static readonly OPEN = 1;
  readyState = 0;
  readonly sent: unknown[] = [];
  onopen?: () => void;
  onclose?: (event: { code: number }) => void;
  onmessage?: (event: { data: string }) => void;
  constructor() {
    sockets.push(this);
  }
  open() {
    this.readyState = 1;
    this.onopen?.();
  }
  send(data: unknown) {
    this.sent.push(data);
  }
  /** A browser says later that it is closed. */
  close(code?: number) {
    this.readyState = 3;
    if (code) this.onclose?.({ code });
  }
}

class FakeCanvas {
  getContext = () => ({ drawImage: () => undefined });
  convertToBlob = async () => new Blob(["picture"]);
}

let unplug: () => void;
const stream = {
  getTracks: () => [{ stop: () => undefined }],
  getVideoTracks: () => [{ getSettings: () => ({}), addEventListener: (_: string, ended: () => void) => (unplug = ended) }],
};
const video = {
  videoWidth: 640,
  videoHeight: 480,
  play: async () => undefined,
  pause: () => undefined,
} as unknown as HTMLVideoElement;

async function opened(where: Place) {
  const { watch, changePlace } = await import("../src/live/watch");
  const { models, place } = await import("../src/state");
  const { agree } = await import("../src/consent");
  models.value = { consent: { version: "1", text: "" }, models: [] } as never;
  place.value = where;
  agree("1", where);
  const { device } = await import("../src/device/device");
  vi.spyOn(device, "load").mockResolvedValue();
  vi.spyOn(device, "readFrame").mockResolvedValue({ width: 640, height: 480, faces: [] });
  await watch.open(video);
  return { watch, changePlace };
}

const settle = async () => {
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
};
async function nextFrame() {
  for (const frame of frames.splice(0)) frame();
  await settle();
}
async function arrive() {
  for (const one of deliver.splice(0)) one();
  await settle();
}

beforeEach(() => {
  vi.resetModules();
  [frames, deliver] = [[], []];
  sockets.length = pictures.length = 0;
  vi.stubGlobal("location", { hash: "", search: "", protocol: "http:", host: "here" });
  media = Object.assign(new EventTarget(), { getUserMedia: async () => stream, enumerateDevices: async () => [] });
  vi.stubGlobal("navigator", { mediaDevices: media });
  vi.stubGlobal("requestAnimationFrame", (frame: () => void) => frames.push(frame));
  vi.stubGlobal("WebSocket", FakeSocket);
  vi.stubGlobal("OffscreenCanvas", FakeCanvas);
  vi.stubGlobal("createImageBitmap", () => {
    const picture = { width: 640, height: 480, close: vi.fn() };
    pictures.push(picture);
    return new Promise((resolve) => deliver.push(() => resolve(picture)));
  });
});
afterEach(() => vi.unstubAllGlobals());

describe("a picture that is being captured", () => {
  it("is closed and not sent when the place changes to the server", async () => {
    const { changePlace, watch } = await opened("browser");
    await nextFrame();
    expect(pictures).toHaveLength(1);
    await changePlace("server");
    expect(watch.phase.value).toBe("closed");
    await arrive();
    expect(sockets).toEqual([]);
    expect(pictures[0].close).toHaveBeenCalled();
  });

  it.each(["close", "togglePause"] as const)("is closed and not sent after %s", async (leave) => {
    const { watch } = await opened("server");
    await nextFrame();
    watch[leave]();
    await arrive();
    expect(sockets).toEqual([]);
    expect(pictures[0].close).toHaveBeenCalled();
  });

  it("is not sent by a socket that opens after Stop", async () => {
    const { watch } = await opened("server");
    await nextFrame();
    await arrive();
    expect(sockets).toHaveLength(1);
    sockets[0].open();
    watch.close();
    await settle();
    expect(sockets[0].sent).toEqual([]);
    expect(pictures[0].close).toHaveBeenCalled();
  });
});

describe("a change of place", () => {
  it("reopens the camera if there is consent for the new place", async () => {
    const { changePlace, watch } = await opened("browser");
    const { agree } = await import("../src/consent");
    agree("1", "server");
    await changePlace("server");
    expect(watch.phase.value).toBe("watching");
    await nextFrame();
    await arrive();
    expect(sockets).toHaveLength(1);
  });
});

describe("a pause", () => {
  it("outlasts a change of place: nothing is sent", async () => {
    const { changePlace, watch } = await opened("browser");
    const { agree } = await import("../src/consent");
    agree("1", "server");
    watch.togglePause();
    await changePlace("server");
    expect(watch.phase.value).toBe("paused");
    await nextFrame();
    await arrive();
    expect(sockets).toEqual([]);
  });
});

describe("a camera that is disconnected", () => {
  it("leaves the session, which goes on once it is connected again", async () => {
    const { watch } = await opened("browser");
    const read = async () => {
      await nextFrame();
      await arrive();
    };
    await read();
    const { session } = watch;
    const readings = () => session.columns[0].length;
    unplug();
    expect([watch.phase.value, watch.problem.value]).toEqual(["lost", strings.errors.cameraLost]);
    expect([watch.session === session, watch.tracks.value.length]).toEqual([true, 0]);
    const before = readings();
    await read();
    expect(readings()).toBe(before);
    media.getUserMedia = async () => Promise.reject(new DOMException("", "NotFoundError"));
    await watch.open(video);
    expect([watch.phase.value, watch.problem.value]).toEqual(["lost", strings.errors.noCamera]);
    media.getUserMedia = async () => stream;
    await watch.open(video);
    await read();
    expect([watch.phase.value, watch.problem.value, watch.session === session]).toEqual(["watching", null, true]);
    expect(readings()).toBeGreaterThan(before);
    watch.close();
    expect(watch.session).not.toBe(session);
  });

  it("is closed if nothing was read", async () => {
    const { watch } = await opened("browser");
    unplug();
    expect(watch.phase.value).toBe("closed");
  });
});

describe("a camera that is slower than the screen", () => {
  it("has each frame read once", async () => {
    let deliverFrame = () => undefined as void;
    const slow = { ...video, requestVideoFrameCallback: (shown: () => void) => (deliverFrame = shown) };
    const { watch } = await opened("browser");
    await watch.open(slow as unknown as HTMLVideoElement);
    for (let k = 0; k < 3; k++) {
      await nextFrame();
      await arrive();
    }
    expect(pictures).toHaveLength(1);
    deliverFrame();
    await nextFrame();
    await arrive();
    expect(pictures).toHaveLength(2);
  });
});

describe("cameras", () => {
  it("that are plugged in are listed until the view is closed", async () => {
    const { watch } = await opened("browser");
    const plug = async (deviceId: string) => {
      media.enumerateDevices = async () => [{ kind: "videoinput", deviceId }];
      media.dispatchEvent(new Event("devicechange"));
      await settle();
      return watch.devices.value.map((device) => device.deviceId);
    };
    expect(await plug("a")).toEqual(["a"]);
    watch.close();
    expect(await plug("b")).toEqual(["a"]);
  });
});

describe("the search size", () => {
  it("is coarse after a slow reading, until a finer search would be fast", async () => {
    const { watch } = await opened("browser");
    const { device } = await import("../src/device/device");
    let now = 0;
    vi.spyOn(performance, "now").mockImplementation(() => now);
    const sizes: number[] = [];
    for (const wait of [200, 400, 120, 80, 200]) {
      vi.mocked(device.readFrame).mockImplementationOnce(async (_, searchSize) => {
        now += wait;
        sizes.push(searchSize);
        return { width: 640, height: 480, faces: [] };
      });
      await nextFrame();
      await arrive();
    }
    watch.close();
    expect(sizes).toEqual([640, 640, 320, 320, 640]);
  });
});

describe("a socket that closes late", () => {
  it("does not affect the next one", async () => {
    const { watch } = await opened("server");
    const ask = async (socket: number) => {
      await nextFrame();
      await arrive();
      sockets[socket].open();
      await settle();
    };
    await ask(0);
    await watch.reopen();
    await ask(1);
    sockets[0].close(1000);
    sockets[1].onmessage?.({ data: JSON.stringify({ kind: "reading", width: 640, height: 480, faces: [] }) });
    await settle();
    expect([watch.problem.value, watch.chartVersion.value]).toEqual([null, 1]);
  });
});

describe("a server that analyses", () => {
  it("assigns the track ids, and its values are shown unchanged", async () => {
    const { watch } = await opened("server");
    const say = async (...faces: object[]) => {
      await nextFrame();
      await arrive();
      const socket = sockets[0];
      if (socket.readyState !== FakeSocket.OPEN) socket.open();
      await settle();
      socket.onmessage?.({ data: JSON.stringify({ kind: "reading", width: 640, height: 480, faces }) });
      await settle();
    };
    const face = { ...made("happiness"), track_id: 7 };
    const moved = { ...made("anger", 0.8, 18), track_id: 7 };
    const elsewhere = { ...made("anger", 0.8, 300), track_id: 7 };
    await say(face);
    for (const next of [moved, elsewhere]) {
      await say(next);
      expect(watch.tracks.value).toMatchObject([{ id: 7, face: next, missed: 0 }]);
    }
    await say({ ...made("fear", 0.8, 300), track_id: 9 });
    expect(watch.tracks.value.map(({ id, missed }) => [id, missed])).toEqual([
      [7, 1],
      [9, 0],
    ]);
  });
});

describe("a server that goes away", () => {
  it("leaves no tracks, and a gap in the chart", async () => {
    const { watch } = await opened("server");
    await nextFrame();
    await arrive();
    sockets[0].open();
    await settle();
    const faces = [{ ...made("happiness"), track_id: 1 }];
    sockets[0].onmessage?.({ data: JSON.stringify({ kind: "reading", width: 640, height: 480, faces }) });
    await settle();
    expect(watch.tracks.value).toHaveLength(1);
    await nextFrame();
    await arrive();
    sockets[0].close(1006);
    await settle();
    expect(watch.problem.value).not.toBeNull();
    expect(watch.tracks.value).toEqual([]);
    expect(watch.session.columns[2].map((value) => value !== null)).toEqual([true, false]);
  });
});

describe("a server that refuses", () => {
  it("has its message shown, and is retried with increasing delays", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    try {
      const { watch } = await opened("server");
      for (const wait of [1500, 3000, 6000]) {
        await nextFrame();
        await arrive();
        const socket = sockets.at(-1) as FakeSocket;
        socket.open();
        socket.onmessage?.({ data: JSON.stringify({ kind: "problem", status: 429, detail: "too many connections" }) });
        socket.close(1013);
        await settle();
        expect(watch.problem.value).toBe("too many connections");
        const before = frames.length;
        vi.advanceTimersByTime(wait - 1);
        await settle();
        expect(frames).toHaveLength(before);
        vi.advanceTimersByTime(1);
        await settle();
        expect(frames).toHaveLength(before + 1);
      }
    } finally {
      vi.useRealTimers();
    }
  });

  it("shows the token form", async () => {
    await opened("server");
    const { tokenNeeded } = await import("../src/api/client");
    await nextFrame();
    await arrive();
    sockets[0].open();
    sockets[0].close(1008);
    await settle();
    expect(tokenNeeded.value).toBe(true);
  });
});
