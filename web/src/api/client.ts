/** The server's REST interface. Errors are problem details; their sentence is shown as it is. */

import { signal } from "@preact/signals";
import { counted } from "../live/traffic";
import { strings } from "../strings";
import type { Job, Models, Result } from "./types";

const API = "/api/v1";

export class Refusal extends Error {
  constructor(
    message: string,
    readonly status: number,
  ) {
    super(message);
  }
}

/** Whether the server lets nobody in without a token. */
export const tokenNeeded = signal(false);

/** An error for what the server said; one for want of a token brings up the form for it. */
export function refused(message: string, status: number): Refusal {
  if (status === 401) tokenNeeded.value = true;
  return new Refusal(message, status);
}

async function ask(path: string, options: RequestInit = {}): Promise<Response> {
  counted();
  const response = await fetch(path, options).catch(() => {
    throw new Refusal(strings.errors.serverAway, 0);
  });
  if (!response.ok) throw refused(await sentence(response), response.status);
  return response;
}

async function sentence(response: Response): Promise<string> {
  const problem: unknown = await response.json().catch(() => null);
  const detail = problem && typeof problem === "object" && "detail" in problem ? problem.detail : null;
  return typeof detail === "string" ? detail : strings.errors.unexpected;
}

export async function loadModels(): Promise<Models> {
  return (await ask(`${API}/models`)).json();
}

export async function openSession(token: string): Promise<void> {
  const headers = { "Content-Type": "application/json" };
  await ask(`${API}/session`, { method: "POST", headers, body: JSON.stringify({ token }) });
}

export async function loadWeights(url: string): Promise<ArrayBuffer> {
  return (await ask(url)).arrayBuffer();
}

export async function analyzePicture(file: File, activation: boolean): Promise<Result> {
  const query = new URLSearchParams({ name: file.name, activation: String(activation) });
  const response = await ask(`${API}/analyze?${query}`, { method: "POST", body: file });
  if (response.status === 202) {
    const job: Job = await response.json();
    deleteJob(job.id).catch(() => undefined);
    throw new Error(strings.errors.notAPhoto(file.name));
  }
  return response.json();
}

/** Upload a film; progress is the share of its bytes that has gone. */
export function uploadFilm(file: File, progress: (share: number) => void, stop: AbortSignal): Promise<Job> {
  counted();
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", `${API}/analyze?${new URLSearchParams({ name: file.name })}`);
    request.responseType = "json";
    request.upload.onprogress = (event) => progress(event.loaded / event.total);
    let sent = false;
    request.upload.onload = () => {
      sent = true;
    };
    request.onerror = () => reject(new Refusal(strings.errors.serverAway, 0));
    request.onabort = () => reject(new DOMException("stopped", "AbortError"));
    request.onload = () => {
      if (request.status === 202 && stop.aborted) {
        deleteJob(request.response.id).catch(() => undefined);
        reject(new DOMException("stopped", "AbortError"));
      } else if (request.status === 202) resolve(request.response);
      else reject(refused(request.response?.detail ?? strings.errors.notAFilm, request.status));
    };
    // What the server has whole becomes a job, whose number is needed to delete it.
    stop.addEventListener("abort", () => {
      if (!sent) request.abort();
    });
    request.send(file);
  });
}

export const jobAddress = (id: string) => `${API}/jobs/${id}`;

export async function findJob(id: string): Promise<Job> {
  return (await ask(jobAddress(id))).json();
}

export async function deleteJob(id: string): Promise<void> {
  await ask(jobAddress(id), { method: "DELETE" });
}

export async function loadResult(url: string): Promise<Result> {
  return (await ask(url)).json();
}
