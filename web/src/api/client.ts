/** Client of the REST API. Errors are problem details; their `detail` is shown unchanged. */

import { signal } from "@preact/signals";
import createClient from "openapi-fetch";
import { strings } from "../strings";
import type { paths } from "./schema";
import { sleep } from "./sleep";
import { countRequest } from "./traffic";
import type { Job, Models, Result } from "./types";

const ANALYZE = "/api/v1/analyze" satisfies keyof paths;
/** HTTP statuses for too many requests, of one client or of all. */
const BUSY_STATUSES = [429, 503];

/** Time limit for the server's networks and settings. */
export const MODELS_TIMEOUT_MS = 10_000;
/** Delay between attempts to delete a job, doubled after each failure. */
const DELETE_MS = 1000;
const MAX_DELETE_MS = 30_000;

/** Whether the server requires a token that is not yet known. */
export const tokenNeeded = signal(false);
/** Jobs that could not be deleted yet. */
export const undeleted = signal<ReadonlySet<string>>(new Set());

export class ApiError extends Error {
  constructor(
    message: string,
    /** HTTP status; 0 if the server did not answer. */
    readonly status: number,
    /** Seconds to wait before the next request, if the server said so (`Retry-After`). */
    readonly retryAfter: number | null = null,
  ) {
    super(message);
  }
}

/** The error of a failed request; if a token is missing, the token form is shown. */
export function apiError(message: string, status: number, retryAfter: string | null = null): ApiError {
  if (status === 401) tokenNeeded.value = true;
  const seconds = Number.parseFloat(retryAfter ?? "");
  return new ApiError(message, status, Number.isFinite(seconds) ? seconds : null);
}

/** The signal that aborts an upload, and where its status message is shown. */
interface UploadOptions {
  readonly stop: AbortSignal;
  readonly note: (message: string) => void;
}

const api = createClient<paths>({ baseUrl: globalThis.location?.origin, fetch: ask });

async function ask(request: Request): Promise<Response> {
  countRequest();
  return fetch(request).catch((error) => {
    throw error.name === "AbortError" ? error : unreachable();
  });
}

const unreachable = () => new ApiError(strings.errors.serverUnreachable, 0);

interface Answer<Data> {
  readonly data?: Data;
  readonly error?: unknown;
  readonly response: Response;
}

async function dataOf<Data>(request: Promise<Answer<Data>>): Promise<Data> {
  const { data, error, response } = await request.catch(brokenOff);
  if (!response.ok) throw apiError(detailOf(error), response.status, response.headers.get("Retry-After"));
  return data as Data;
}

/** The connection may break off while the body of a response is read. */
function brokenOff(error: unknown): never {
  throw error instanceof TypeError ? unreachable() : error;
}

function detailOf(problem: unknown): string {
  const detail = problem && typeof problem === "object" && "detail" in problem ? problem.detail : null;
  return typeof detail === "string" ? detail : strings.errors.unexpected;
}

export function loadModels(): Promise<Models> {
  return dataOf(api.GET("/api/v1/models", { signal: AbortSignal.timeout(MODELS_TIMEOUT_MS) }));
}

export async function openSession(token: string): Promise<void> {
  await dataOf(api.POST("/api/v1/session", { body: { token } }));
}

/** Load weights from the URL in their card. */
export async function loadWeights(url: string): Promise<ArrayBuffer> {
  const response = await ask(new Request(new URL(url, location.origin)));
  if (!response.ok) {
    throw apiError(detailOf(await response.json().catch(() => null)), response.status);
  }
  return response.arrayBuffer().catch(brokenOff);
}

export function analyzePicture(file: File, activation: boolean, options: UploadOptions): Promise<Result> {
  return retryWhileBusy(options, async () => {
    const found = await dataOf(
      api.POST(ANALYZE, {
        params: { query: { name: file.name, activation } },
        headers: { "Content-Type": file.type || "application/octet-stream" },
        body: file as never,
        bodySerializer: (body: unknown) => body as Blob,
        signal: options.stop,
      }),
    );
    if ("items" in found) return found as Result;
    void deleteJob(found.id);
    throw new Error(strings.errors.notAPhoto(file.name));
  });
}

/** Upload a film; progress is the share of its bytes that has been sent. */
export function uploadFilm(file: File, progress: (share: number) => void, options: UploadOptions): Promise<Job> {
  return retryWhileBusy(options, () => sendFilm(file, progress, options.stop));
}

function sendFilm(file: File, progress: (share: number) => void, stop: AbortSignal): Promise<Job> {
  countRequest();
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", `${ANALYZE}?${new URLSearchParams({ name: file.name })}`);
    request.responseType = "json";
    request.upload.onprogress = (event) => progress(event.loaded / event.total);
    let sent = false;
    request.upload.onload = () => {
      sent = true;
    };
    request.onerror = () => reject(unreachable());
    request.onabort = () => reject(stopped());
    request.onload = () => {
      const { status, response } = request;
      if (status === 202 && stop.aborted) {
        void deleteJob(response.id);
        reject(stopped());
      } else if (status === 202) resolve(response);
      else {
        // Only pictures are answered at once.
        const said = status === 200 ? strings.errors.notAFilm : detailOf(response);
        reject(apiError(said, status, request.getResponseHeader("Retry-After")));
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
async function retryWhileBusy<Data>({ stop, note }: UploadOptions, request: () => Promise<Data>): Promise<Data> {
  for (;;) {
    try {
      return await request();
    } catch (error) {
      const wait = error instanceof ApiError && BUSY_STATUSES.includes(error.status) ? error.retryAfter : null;
      if (wait === null) throw error;
      note(strings.errors.serverBusy(wait));
      await sleep(1000 * wait, stop);
      if (stop.aborted) throw stopped();
      note("");
    }
  }
}

const stopped = () => new DOMException("stopped", "AbortError");

export function findJob(identifier: string): Promise<Job> {
  return dataOf(api.GET("/api/v1/jobs/{identifier}", { params: { path: { identifier } } }));
}

/** Stop and delete a job, repeatedly until the server confirms it or no longer has the job. */
export async function deleteJob(identifier: string): Promise<void> {
  for (let wait = DELETE_MS; !(await isDeleted(identifier)); wait = Math.min(2 * wait, MAX_DELETE_MS)) {
    undeleted.value = new Set(undeleted.value).add(identifier);
    await sleep(wait);
  }
  undeleted.value = new Set([...undeleted.value].filter((one) => one !== identifier));
}

/** The request is sent even while the page is being closed. */
function isDeleted(identifier: string): Promise<boolean> {
  return dataOf(api.DELETE("/api/v1/jobs/{identifier}", { params: { path: { identifier } }, keepalive: true })).then(
    () => true,
    (error) => error instanceof ApiError && error.status === 404,
  );
}

export function loadResult(identifier: string): Promise<Result> {
  const path = { identifier, form: "json" } as const;
  return dataOf(api.GET("/api/v1/jobs/{identifier}/results/{form}", { params: { path } })) as Promise<Result>;
}
