/** Client of the REST API. Errors are problem details; their `detail` is shown unchanged. */

import { signal } from "@preact/signals";
import createClient from "openapi-fetch";
import { strings } from "../strings";
import type { paths } from "./schema";
import { counted } from "./traffic";
import type { Job, Models, Result } from "./types";

const ANALYZE = "/api/v1/analyze" satisfies keyof paths;
/** HTTP statuses for too many requests, of one client or of all. */
const BUSY = [429, 503];

/** Whether the server requires a token that is not yet known. */
export const tokenNeeded = signal(false);

export class Refusal extends Error {
  constructor(
    message: string,
    /** HTTP status; 0 if no server answered. */
    readonly status: number,
    /** Seconds to wait before the next request, if the server said so (`Retry-After`). */
    readonly retryAfter: number | null = null,
  ) {
    super(message);
  }
}

/** The error for a refused request; if a token is missing, the token form is shown. */
export function refused(message: string, status: number, retryAfter: string | null = null): Refusal {
  if (status === 401) tokenNeeded.value = true;
  const seconds = Number.parseFloat(retryAfter ?? "");
  return new Refusal(message, status, Number.isFinite(seconds) ? seconds : null);
}

/** Callbacks of an upload, and the signal that aborts it. */
interface Patience {
  readonly stop: AbortSignal;
  readonly note: (sentence: string) => void;
}

const api = createClient<paths>({ baseUrl: globalThis.location?.origin, fetch: ask });

async function ask(request: Request): Promise<Response> {
  counted();
  return fetch(request).catch((error) => {
    throw request.signal.aborted ? error : new Refusal(strings.errors.serverAway, 0);
  });
}

interface Answer<Data> {
  readonly data?: Data;
  readonly error?: unknown;
  readonly response: Response;
}

async function dataOf<Data>(asking: Promise<Answer<Data>>): Promise<Data> {
  const { data, error, response } = await asking;
  if (!response.ok) throw refused(sentence(error), response.status, response.headers.get("Retry-After"));
  return data as Data;
}

function sentence(problem: unknown): string {
  const detail = problem && typeof problem === "object" && "detail" in problem ? problem.detail : null;
  return typeof detail === "string" ? detail : strings.errors.unexpected;
}

export function loadModels(): Promise<Models> {
  return dataOf(api.GET("/api/v1/models"));
}

export async function openSession(token: string): Promise<void> {
  await dataOf(api.POST("/api/v1/session", { body: { token } }));
}

/** Load weights from the URL in their card. */
export async function loadWeights(url: string): Promise<ArrayBuffer> {
  const response = await ask(new Request(new URL(url, location.origin)));
  if (!response.ok) {
    throw refused(sentence(await response.json().catch(() => null)), response.status);
  }
  return response.arrayBuffer();
}

export function analyzePicture(file: File, activation: boolean, patience: Patience): Promise<Result> {
  return patiently(patience, async () => {
    const found = await dataOf(
      api.POST(ANALYZE, {
        params: { query: { name: file.name, activation } },
        headers: { "Content-Type": file.type || "application/octet-stream" },
        body: file as never,
        bodySerializer: (body: unknown) => body as Blob,
        signal: patience.stop,
      }),
    );
    if ("items" in found) return found as Result;
    deleteJob(found.id).catch(() => undefined);
    throw new Error(strings.errors.notAPhoto(file.name));
  });
}

/** Upload a film; progress is the share of its bytes that is sent. */
export function uploadFilm(file: File, progress: (share: number) => void, patience: Patience): Promise<Job> {
  return patiently(patience, () => sendFilm(file, progress, patience.stop));
}

function sendFilm(file: File, progress: (share: number) => void, stop: AbortSignal): Promise<Job> {
  counted();
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", `${ANALYZE}?${new URLSearchParams({ name: file.name })}`);
    request.responseType = "json";
    request.upload.onprogress = (event) => progress(event.loaded / event.total);
    let sent = false;
    request.upload.onload = () => {
      sent = true;
    };
    request.onerror = () => reject(new Refusal(strings.errors.serverAway, 0));
    request.onabort = () => reject(stopped());
    request.onload = () => {
      const { status, response } = request;
      if (status === 202 && stop.aborted) {
        deleteJob(response.id).catch(() => undefined);
        reject(stopped());
      } else if (status === 202) resolve(response);
      else {
        // Only pictures are answered at once.
        const said = status === 200 ? strings.errors.notAFilm : sentence(response);
        reject(refused(said, status, request.getResponseHeader("Retry-After")));
      }
    };
    // A complete upload becomes a job, whose id is needed to delete it.
    stop.addEventListener("abort", () => {
      if (!sent) request.abort();
    });
    request.send(file);
  });
}

/** Repeat a request until the server is no longer busy, after the delays that it states. */
async function patiently<Data>({ stop, note }: Patience, asking: () => Promise<Data>): Promise<Data> {
  for (;;) {
    try {
      return await asking();
    } catch (error) {
      const wait = error instanceof Refusal && BUSY.includes(error.status) ? error.retryAfter : null;
      if (wait === null) throw error;
      note(strings.errors.later(wait));
      await new Promise((resolve) => setTimeout(resolve, 1000 * wait));
      if (stop.aborted) throw stopped();
      note("");
    }
  }
}

const stopped = () => new DOMException("stopped", "AbortError");

export function findJob(identifier: string): Promise<Job> {
  return dataOf(api.GET("/api/v1/jobs/{identifier}", { params: { path: { identifier } } }));
}

/** Stop and delete a job; the request is sent even while the page is being closed. */
export async function deleteJob(identifier: string): Promise<void> {
  await dataOf(api.DELETE("/api/v1/jobs/{identifier}", { params: { path: { identifier } }, keepalive: true }));
}

export function loadResult(identifier: string): Promise<Result> {
  const path = { identifier, form: "json" } as const;
  return dataOf(api.GET("/api/v1/jobs/{identifier}/results/{form}", { params: { path } })) as Promise<Result>;
}
