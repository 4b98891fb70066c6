/** Requests of the pages to the server, and their responses. */

import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { strings } from "../src/strings";

const asked: Request[] = [];
let answers: Response[] = [];

const problem = (status: number, headers = {}) =>
  new Response(JSON.stringify({ status, detail: `it is ${status}` }), { status, headers });
const json = (content: unknown) => new Response(JSON.stringify(content));

beforeEach(() => {
  vi.resetModules();
  asked.length = 0;
  vi.stubGlobal("location", { origin: "http://here", hash: "", search: "" });
  vi.stubGlobal("fetch", async (request: Request) => {
    asked.push(request);
    request.signal.throwIfAborted();
    return answers.shift() ?? json({});
  });
});
afterEach(() => vi.unstubAllGlobals());

const client = () => import("../src/api/client");
const patience = () => ({ stop: new AbortController(), notes: [] as string[] });
const file = new File(["picture"], "a b.jpg", { type: "image/jpeg" });

describe("the API client", () => {
  it("sends a picture unchanged, and passes the message of a failed request on", async () => {
    const { analyzePicture, ApiError } = await client();
    answers = [problem(415)];
    const { stop } = patience();
    const sending = analyzePicture(file, true, { stop: stop.signal, note: () => undefined });
    await expect(sending).rejects.toEqual(new ApiError("it is 415", 415));
    expect(asked[0].url).toBe("http://here/api/v1/analyze?name=a%20b.jpg&activation=true");
    expect(asked[0].headers.get("Content-Type")).toBe("image/jpeg");
    expect(await asked[0].text()).toBe("picture");
  });

  it.each([429, 503])("retries after the delay that the server states: %i", async (status) => {
    const { analyzePicture } = await client();
    const busy = () => problem(status, { "Retry-After": "0.01" });
    answers = [busy(), busy(), json({ items: [] })];
    const { stop, notes } = patience();
    const found = await analyzePicture(file, false, { stop: stop.signal, note: (one) => notes.push(one) });
    expect(found.items).toEqual([]);
    expect(asked).toHaveLength(3);
    expect(notes[0]).toMatch(/Trying again/);
    expect(notes.at(-1)).toBe("");
  });

  it("does not retry a request that was stopped", async () => {
    const { analyzePicture } = await client();
    answers = [problem(429, { "Retry-After": "0.01" })];
    const { stop } = patience();
    const sending = analyzePicture(file, false, { stop: stop.signal, note: () => stop.abort() });
    await expect(sending).rejects.toThrow("stopped");
    expect(asked).toHaveLength(1);
  });

  it("shows the token form when a token is required", async () => {
    const { findJob, tokenNeeded } = await client();
    answers = [problem(401)];
    await expect(findJob("x y")).rejects.toThrow("it is 401");
    expect(asked[0].url).toBe("http://here/api/v1/jobs/x%20y");
    expect(tokenNeeded.value).toBe(true);
  });
});

describe("messages", () => {
  it("of the browser are not shown", async () => {
    const { messageOf } = await import("../src/state");
    expect(messageOf(new Error("ours"))).toBe("ours");
    for (const error of [new TypeError("x is undefined"), new DOMException("interrupted"), "x"]) {
      expect(messageOf(error)).toBe(strings.errors.unexpected);
    }
  });
});

describe("a film that was not accepted", () => {
  async function refusal(status: number, response: unknown) {
    vi.stubGlobal(
      "XMLHttpRequest",
      class {
        readonly upload = {};
        readonly status = status;
        readonly response = response;
        onload?: () => void;
        open() {}
        getResponseHeader = () => null;
        send() {
          queueMicrotask(() => this.onload?.());
        }
      },
    );
    const { uploadFilm } = await client();
    const { stop } = patience();
    const note = () => undefined;
    return uploadFilm(file, note, { stop: stop.signal, note }).catch((error: Error) => error.message);
  }

  it("is reported as a still picture if it is answered at once", async () => {
    expect(await refusal(200, { items: [] })).toBe(strings.errors.notAFilm);
  });

  it("is not reported as a picture for errors of a proxy", async () => {
    for (const status of [413, 502]) expect(await refusal(status, null)).toBe(strings.errors.unexpected);
    expect(await refusal(413, { detail: "it is too large" })).toBe("it is too large");
  });
});

describe("photographs", () => {
  async function photographs() {
    const { place, models } = await import("../src/state");
    place.value = "server";
    models.value = { max_upload: 100, models: [], consent: {} } as never;
    return import("../src/live/pictures");
  }
  const item = { source: "a", frames: [{ index: 0, time_s: 0, faces: [] }] };

  it("that are too large are not sent, with a message", async () => {
    const { addPictures, pictures } = await photographs();
    await addPictures([new File(["x".repeat(101)], "large.png")]);
    expect(asked).toEqual([]);
    expect(pictures.value[0].problem).toMatch(/^large\.png is 1\sMB/);
  });

  it("are read without activation maps unless they are requested", async () => {
    const { addPictures, pictures, readAgain } = await photographs();
    answers = [json({ items: [item] }), json({ items: [item] })];
    await addPictures([file]);
    await readAgain([pictures.value[0]], true);
    expect(asked.map(({ url }) => new URL(url).searchParams.get("activation"))).toEqual(["false", "true"]);
  });

  it("that failed can be read again", async () => {
    const { addPictures, pictures, readAgain } = await photographs();
    answers = [problem(500), json({ items: [item] })];
    await addPictures([file]);
    expect(pictures.value[0].problem).toBe("it is 500");
    await readAgain(pictures.value);
    expect(pictures.value[0]).toMatchObject({ item, problem: undefined });
  });

  it("are read again in the place selected now, and only there", async () => {
    const { addPictures, pictures, readAgain } = await photographs();
    const { place } = await import("../src/state");
    const { device } = await import("../src/device/device");
    vi.stubGlobal("createImageBitmap", async () => ({}));
    vi.spyOn(device, "load").mockResolvedValue();
    const readStill = vi.spyOn(device, "readStill").mockResolvedValue({ width: 1, height: 1, faces: [] });
    answers = [json({ items: [item] }), json({ items: [item] })];
    await addPictures([file]);
    place.value = "browser";
    await readAgain([pictures.value[0]], true);
    expect(asked).toHaveLength(1);
    expect(readStill).toHaveBeenCalledOnce();
    expect(pictures.value[0].where).toBe("browser");
    place.value = "server";
    await readAgain([pictures.value[0]]);
    expect(asked).toHaveLength(2);
    expect(readStill).toHaveBeenCalledOnce();
    expect(pictures.value[0].where).toBe("server");
  });

  it("that are read in the page cause no requests once the networks are loaded", async () => {
    const { addPictures, pictures } = await photographs();
    const { place } = await import("../src/state");
    const { countRequest, requests } = await import("../src/api/traffic");
    const { device } = await import("../src/device/device");
    place.value = "browser";
    vi.stubGlobal("createImageBitmap", async () => ({}));
    vi.spyOn(device, "load").mockResolvedValue().mockImplementationOnce(async () => countRequest());
    vi.spyOn(device, "readStill").mockResolvedValue({ width: 1, height: 1, faces: [] });
    await addPictures([file]);
    expect(pictures.value[0].item?.frames).toHaveLength(1);
    expect(requests.value).toBe(0);
  });

  it("are shown as sent to the server until the last of them is read", async () => {
    const { addPictures, pictures, readAgain } = await photographs();
    const { analysing, sendsToServer, place } = await import("../src/state");
    let finish = (_: Response): void => undefined;
    vi.stubGlobal("fetch", async () => answers.shift() ?? new Promise((resolve) => (finish = resolve)));
    answers = [json({ items: [item] })];
    const reading = addPictures([file, file]);
    await vi.waitFor(() => expect(pictures.value[0].item).toEqual(item));
    answers = [json({ items: [item] })];
    await readAgain([pictures.value[0]], true);
    place.value = "browser";
    expect([analysing.value, sendsToServer.value]).toEqual([true, true]);
    finish(json({ items: [item] }));
    await reading;
    expect([analysing.value, sendsToServer.value]).toEqual([false, false]);
  });

  it("that are removed while the server is busy are no longer analysed", async () => {
    const { addPictures, clearPictures, pictures } = await photographs();
    const { analysing } = await import("../src/state");
    answers = [problem(429, { "Retry-After": "60" })];
    const reading = addPictures([file, file]);
    await vi.waitFor(() => expect(pictures.value[0].note).toMatch(/Trying again/));
    clearPictures();
    await reading;
    expect(analysing.value).toBe(false);
    expect(asked).toHaveLength(1);
  });

  it("that are removed are not sent", async () => {
    const { addPictures, clearPictures, pictures } = await photographs();
    const signals: AbortSignal[] = [];
    vi.stubGlobal("fetch", (request: Request) => {
      signals.push(request.signal);
      return new Promise((_, reject) => request.signal.addEventListener("abort", () => reject(request.signal.reason)));
    });
    const { analysing } = await import("../src/state");
    const reading = addPictures([file, file]);
    await vi.waitFor(() => expect(signals).toHaveLength(1));
    clearPictures();
    await reading;
    expect(signals.map(({ aborted }) => aborted)).toEqual([true]);
    expect(pictures.value).toEqual([]);
    expect(analysing.value).toBe(false);
  });
});
