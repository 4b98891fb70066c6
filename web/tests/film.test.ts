/** Reading of films: jobs on the server, and frames read in the page. */

import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { strings } from "../src/strings";

const asked: Request[] = [];
let leave: (event: { persisted: boolean }) => void;

class FakeUpload {
  readonly upload: { onload?: () => void } = {};
  status = 202;
  response = { id: "x-1", state: "queued", results: {} };
  onload?: () => void;
  open() {}
  send() {
    queueMicrotask(() => {
      this.upload.onload?.();
      this.onload?.();
    });
  }
}

beforeEach(() => {
  vi.resetModules();
  asked.length = 0;
  vi.stubGlobal("location", { origin: "http://here", hash: "", search: "" });
  vi.stubGlobal("XMLHttpRequest", FakeUpload);
  vi.stubGlobal("addEventListener", (_: string, heard: typeof leave) => {
    leave = heard;
  });
  vi.stubGlobal("fetch", async (request: Request) => {
    asked.push(request);
    return new Response(null, { status: 204 });
  });
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

/** The body of a response whose connection is lost. */
const brokenOff = () =>
  new ReadableStream({
    start(controller) {
      controller.enqueue(new TextEncoder().encode('{"items":['));
      controller.error(new TypeError("network error"));
    },
  });

describe("a film on the server", () => {
  it.each([true, false])("is deleted when the page is left, persisted: %s", async (persisted) => {
    const { film, openFilm } = await import("../src/live/film");
    const { place } = await import("../src/state");
    place.value = "server";
    void openFilm(new File(["film"], "a.mp4"));
    await vi.waitFor(() => expect(film.value?.stage).toBe("waiting"));
    leave({ persisted });
    await vi.waitFor(() => expect(asked).toHaveLength(1));
    expect([asked[0].method, asked[0].url, asked[0].keepalive]).toEqual([
      "DELETE",
      "http://here/api/v1/jobs/x-1",
      true,
    ]);
    expect(film.value).toBeNull();
  });
});

describe("a film in the queue of the server", () => {
  it("is shown as waiting, then as being read", async () => {
    vi.useFakeTimers();
    let job = { id: "x-1", state: "queued", progress: 0, frames_read: 0, frame_count: 8, results: {} };
    vi.stubGlobal("fetch", async () => Response.json(job));
    const { activeStage, film, forgetFilm, openFilm } = await import("../src/live/film");
    const { place } = await import("../src/state");
    place.value = "server";
    void openFilm(new File(["film"], "a.mp4"));
    await vi.advanceTimersByTimeAsync(1000);
    expect([activeStage.value, film.value?.progress, film.value?.note]).toEqual(["waiting", null, ""]);
    job = { ...job, state: "running", progress: 0.5, frames_read: 4 };
    await vi.advanceTimersByTimeAsync(1000);
    expect([activeStage.value, film.value?.progress, film.value?.note]).toEqual(["reading", 0.5, strings.film.frames(4, 8)]);
    forgetFilm();
    expect(activeStage.value).toBeNull();
  });
});

describe("a film that is forgotten while the server is unreachable", () => {
  it("is deleted as soon as the server is reached, and reported until then", async () => {
    vi.useFakeTimers();
    let answer = () => Promise.resolve(Response.json({ id: "x-1", state: "running", results: {} }));
    vi.stubGlobal("fetch", async (request: Request) => {
      asked.push(request);
      return answer();
    });
    const { film, forgetFilm, openFilm } = await import("../src/live/film");
    const { undeleted } = await import("../src/api/client");
    const { place } = await import("../src/state");
    place.value = "server";
    void openFilm(new File(["film"], "a.mp4"));
    await vi.advanceTimersByTimeAsync(1000);
    answer = () => Promise.reject(new TypeError("Failed to fetch"));
    forgetFilm();
    expect(film.value).toBeNull();
    await vi.advanceTimersByTimeAsync(10_000);
    expect([...undeleted.value]).toEqual(["x-1"]);
    answer = () => Promise.resolve(Response.json({ detail: "there is no such job" }, { status: 404 }));
    await vi.advanceTimersByTimeAsync(30_000);
    expect(undeleted.value.size).toBe(0);
    asked.length = 0;
    await vi.advanceTimersByTimeAsync(600_000);
    expect(asked).toEqual([]);
  });
});

describe("a server that is briefly unreachable", () => {
  it.each([
    ["it does not answer", () => Promise.reject(new TypeError("Failed to fetch"))],
    ["the answer breaks off", () => new Response(brokenOff())],
    ["a proxy reports it", () => Response.json({ detail: "bad gateway" }, { status: 502 })],
  ])("gets every request again: %s", async (_, away) => {
    vi.useFakeTimers();
    const missed = new Set<string>();
    vi.stubGlobal("fetch", async ({ url }: Request) => {
      if (!missed.has(url)) {
        missed.add(url);
        return away();
      }
      const job = { id: "x-1", state: "done", results: {} };
      return Response.json(url.endsWith("/json") ? { items: [{ frames: [] }] } : job);
    });
    const { film, forgetFilm, openFilm } = await import("../src/live/film");
    const { place } = await import("../src/state");
    place.value = "server";
    void openFilm(new File(["film"], "a.mp4"));
    await vi.advanceTimersByTimeAsync(900);
    expect(film.value).toMatchObject({ stage: "waiting", note: strings.errors.reconnecting });
    await vi.advanceTimersByTimeAsync(2000);
    expect(film.value).toMatchObject({ stage: "done", item: { frames: [] } });
    expect(missed.size).toBe(2);
    forgetFilm();
  });

  it("gets no request again after another error", async () => {
    vi.useFakeTimers();
    vi.stubGlobal("fetch", async () => Response.json({ detail: "the film could not be read" }, { status: 500 }));
    const { film, openFilm } = await import("../src/live/film");
    const { place } = await import("../src/state");
    place.value = "server";
    void openFilm(new File(["film"], "a.mp4"));
    await vi.advanceTimersByTimeAsync(2000);
    expect(film.value).toMatchObject({ stage: "failed", problem: "the film could not be read" });
  });
});

describe("the results of a film on the server", () => {
  let gone: boolean;
  const events = [{ track_id: 1 }];

  /** Open a film on a server that finishes at once. */
  async function read(keep_s = 3600) {
    vi.useFakeTimers();
    gone = false;
    vi.stubGlobal("fetch", async (request: Request) => {
      asked.push(request);
      if (gone) return Response.json({ detail: "there is no such job" }, { status: 404 });
      const job = { id: "x-1", state: "done", results: {}, events, warning: "cut off" };
      return Response.json(request.url.endsWith("/json") ? { items: [{ frames: [] }] } : job);
    });
    const live = await import("../src/live/film");
    const { models, place } = await import("../src/state");
    models.value = { keep_s } as never;
    place.value = "server";
    void live.openFilm(new File(["film"], "a.mp4"));
    await vi.advanceTimersByTimeAsync(1000);
    expect(live.film.value?.stage).toBe("done");
    asked.length = 0;
    return live;
  }

  it("are kept alive while they are shown; if they are gone, the page keeps what it has", async () => {
    const { film } = await read();
    await vi.advanceTimersByTimeAsync(600_000);
    expect(asked.map(({ url }) => url)).toEqual(Array(2).fill("http://here/api/v1/jobs/x-1"));
    expect(film.value?.stage).toBe("done");
    gone = true;
    await vi.advanceTimersByTimeAsync(240_000);
    expect(film.value).toMatchObject({ stage: "done", problem: strings.film.gone, item: { frames: [] } });
    expect(film.value).toMatchObject({ job: undefined, events, warning: "cut off" });
    asked.length = 0;
    await vi.advanceTimersByTimeAsync(600_000);
    expect(asked).toEqual([]);
  });

  it("are kept alive in time if the server keeps them for less", async () => {
    await read(120);
    await vi.advanceTimersByTimeAsync(121_000);
    expect(asked).toHaveLength(3);
  });

  it("are not kept alive after the film is forgotten", async () => {
    const { film, forgetFilm } = await read();
    forgetFilm();
    asked.length = 0;
    await vi.advanceTimersByTimeAsync(600_000);
    expect(asked).toEqual([]);
    expect(film.value).toBeNull();
  });
});

describe("a file that cannot be opened", () => {
  const gone = (file: File) => Object.assign(file, { slice: () => ({ arrayBuffer: () => Promise.reject(new Error()) }) });

  it.each(["server", "browser"] as const)("is not sent, and not reported as a server error: %s", async (where) => {
    const { film, openFilm } = await import("../src/live/film");
    const { addPictures, pictures } = await import("../src/live/pictures");
    const { models, place } = await import("../src/state");
    const { device } = await import("../src/device/device");
    models.value = { models: [] } as never;
    vi.spyOn(device, "load").mockResolvedValue();
    place.value = where;
    await openFilm(gone(new File(["film"], "folder")));
    expect(film.value?.problem).toBe(strings.errors.notAFile("folder"));
    await openFilm(new File([], "a.mp4"));
    expect(film.value?.problem).toBe(strings.errors.empty("a.mp4"));
    await addPictures([
      gone(new File(["picture"], "folder")),
      new File([], "a.jpg"),
      new File(["film"], "a.mp4", { type: "video/mp4" }),
    ]);
    expect(pictures.value.map(({ problem }) => problem)).toEqual([
      strings.errors.notAFile("folder"),
      strings.errors.empty("a.jpg"),
      strings.errors.notAPhoto("a.mp4"),
    ]);
    expect(asked).toEqual([]);
  });
});

describe("a picture in this browser", () => {
  /** A browser plays no pictures. */
  class FakePlayer extends EventTarget {
    set src(_: string) {
      queueMicrotask(() => this.dispatchEvent(new Event("error")));
    }
    removeAttribute() {}
    load() {}
  }

  async function problems(frameCount: number) {
    class FakeDecoder {
      readonly tracks = { ready: Promise.resolve(), selectedTrack: { frameCount } };
      close() {}
    }
    vi.stubGlobal("ImageDecoder", FakeDecoder);
    vi.stubGlobal("createImageBitmap", async () => ({}));
    vi.stubGlobal("document", { createElement: () => new FakePlayer() });
    const { film, openFilm } = await import("../src/live/film");
    const { addPictures, pictures } = await import("../src/live/pictures");
    const { models } = await import("../src/state");
    const { device } = await import("../src/device/device");
    models.value = { models: [] } as never;
    vi.spyOn(device, "load").mockResolvedValue();
    vi.spyOn(device, "readStill").mockResolvedValue({ width: 1, height: 1, faces: [] });
    const file = new File(["picture"], "a.webp", { type: "image/webp" });
    await addPictures([file]);
    await openFilm(file);
    return [pictures.value[0].problem, film.value?.problem];
  }

  it("that is animated is referred to Film, and there to the server", async () => {
    expect(await problems(2)).toEqual([strings.errors.notAPhoto("a.webp"), strings.errors.filmUnreadable]);
  });

  it("that is still is read in Photo only", async () => {
    expect(await problems(1)).toEqual([undefined, strings.errors.notAFilm]);
  });
});

describe("a film in this browser", () => {
  it("is distinguished from a picture by its MIME type", async () => {
    const { film, openFilm } = await import("../src/live/film");
    await openFilm(new File(["picture"], "a.jpg", { type: "image/jpeg" }));
    expect(film.value?.problem).toBe(strings.errors.notAFilm);
  });

  const video = () => new EventTarget() as HTMLVideoElement;

  async function opened(player: EventTarget) {
    const { film, forgetFilm, openFilm } = await import("../src/live/film");
    const { models } = await import("../src/state");
    const { device } = await import("../src/device/device");
    const made = vi.fn(() => player);
    vi.stubGlobal("document", { createElement: made });
    let loaded = () => undefined as void;
    vi.spyOn(device, "load").mockReturnValue(new Promise((resolve) => (loaded = resolve)));
    models.value = { models: [] } as never;
    const reading = openFilm(new File(["film"], "a.mp4"));
    await vi.waitFor(() => expect(device.load).toHaveBeenCalled());
    return { film, forgetFilm, loaded, made, reading };
  }

  it("gets no player if it was stopped while the networks were loaded", async () => {
    const { forgetFilm, loaded, made, reading } = await opened(video());
    forgetFilm();
    loaded();
    await reading;
    expect(made).not.toHaveBeenCalled();
  });

  it("releases its decoder after reading", async () => {
    const calls = { removeAttribute: vi.fn(), load: vi.fn() };
    const player = Object.assign(video(), calls);
    const { film, loaded, made, reading } = await opened(player);
    loaded();
    await vi.waitFor(() => expect(made).toHaveBeenCalled());
    player.dispatchEvent(new Event("error"));
    await reading;
    expect(film.value?.problem).toBe(strings.errors.filmUnreadable);
    expect(calls.removeAttribute).toHaveBeenCalledWith("src");
    expect(calls.load).toHaveBeenCalled();
  });

  /** A player that knows the duration of a late-starting film only as far as it is buffered. */
  class LatePlayer extends EventTarget {
    readonly videoWidth = 64;
    readonly videoHeight = 48;
    duration = 100.3;
    #time = 0;
    get currentTime() {
      return this.#time;
    }
    set currentTime(time: number) {
      this.#time = Math.min(time, this.duration);
      queueMicrotask(() => this.dispatchEvent(new Event("seeked")));
      setTimeout(() => (this.duration = Math.min(Math.max(this.duration, this.#time + 0.3), 100.9)), 50);
    }
    set src(_: string) {
      queueMicrotask(() => this.load());
    }
    load() {
      this.#time = 100;
      this.dispatchEvent(new Event("loadeddata"));
    }
    removeAttribute() {}
  }

  class ShowingPlayer extends LatePlayer {
    override load() {
      this.dispatchEvent(new Event("loadeddata"));
    }
    requestVideoFrameCallback(tell: (now: number, about: { mediaTime: number }) => void) {
      setTimeout(() => tell(0, { mediaTime: 100 }), 50);
      return 1;
    }
  }

  it.each([
    ["reported by a frame callback", ShowingPlayer],
    ["taken from the player", LatePlayer],
  ])("is read from its first frame, %s, to its end", async (_, Player) => {
    vi.stubGlobal("createImageBitmap", async () => ({}));
    const { film, loaded, reading } = await opened(new Player());
    const { device } = await import("../src/device/device");
    vi.spyOn(device, "readFrame").mockResolvedValue({ width: 64, height: 48, faces: [] });
    loaded();
    await reading;
    const times = film.value?.item?.frames.map(({ index, time_s }) => [index, Number(time_s.toFixed(3))]);
    expect(times).toEqual([100, 100.2, 100.4, 100.6, 100.8].map((time, index) => [index, time]));
  });

  it.each([
    [0, { stage: "failed", problem: strings.errors.readFailed }],
    [3, { stage: "done", warning: strings.film.cutOff(100.4, strings.errors.readFailed), item: { frames: [{}, {}, {}] } }],
  ])("keeps what was read before a fault: %s frames", async (read, expected) => {
    vi.stubGlobal("createImageBitmap", async () => ({}));
    const { film, loaded, reading } = await opened(new LatePlayer());
    const { device } = await import("../src/device/device");
    const readFrame = vi.spyOn(device, "readFrame").mockRejectedValue(new Error(strings.errors.readFailed));
    for (let k = 0; k < read; k++) readFrame.mockResolvedValueOnce({ width: 64, height: 48, faces: [] });
    loaded();
    await reading;
    expect(film.value).toMatchObject(expected);
  });

  it("is awaited until an event or an error", async () => {
    const { waitForEvent } = await import("../src/live/film");
    const { signal } = new AbortController();
    const good = video();
    const there = waitForEvent(good, "seeked", signal);
    good.dispatchEvent(new Event("seeked"));
    await there;
    const bad = video();
    const broken = waitForEvent(bad, "loadeddata", signal);
    bad.dispatchEvent(new Event("error"));
    await expect(broken).rejects.toThrow(strings.errors.filmUnreadable);
  });

  it("is captured once the frame is available", async () => {
    const { captureFrame } = await import("../src/live/film");
    const picture = {};
    const taken = vi.fn().mockRejectedValueOnce(new Error("not usable")).mockResolvedValue(picture);
    vi.stubGlobal("createImageBitmap", taken);
    const stop = new AbortController();
    expect(await captureFrame(video(), stop.signal)).toBe(picture);
    taken.mockRejectedValue(new Error("not usable"));
    const late = captureFrame(video(), stop.signal);
    stop.abort();
    await expect(late).rejects.toThrow(strings.errors.filmUnreadable);
  });

  it("fails after the time limit if it never seeks", async () => {
    const { waitForEvent } = await import("../src/live/film");
    vi.useFakeTimers();
    const stuck = waitForEvent(video(), "seeked", new AbortController().signal);
    stuck.catch(() => undefined);
    vi.advanceTimersByTime(30_000);
    await expect(stuck).rejects.toThrow(strings.errors.filmUnreadable);
  });
});
