/** End-to-end tests of the pages, in a real browser with a real server. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { after, before, test } from "node:test";
import { SOFTWARE_GPU, missing, sampleMedia, startBrowser, startServer } from "./harness.mjs";

const PATIENCE = { timeout: 90_000 };
const AXE = createRequire(import.meta.url).resolve("axe-core/axe.min.js");
const skip = missing() ?? false;
let media;
let server;
let browser;

before(async () => {
  if (skip) return;
  media = sampleMedia();
  server = await startServer();
  browser = await startBrowser(media.camera);
});

after(async () => {
  await browser?.close();
  await server?.stop();
  media?.remove();
});

async function open(view, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
  const page = await context.newPage();
  const faults = [];
  page.on("pageerror", (error) => faults.push(error.message));
  await page.goto(`${server.url}/#/${view}`);
  return { context, page, faults };
}

async function agree(page) {
  await page.getByRole("button", { name: "Open the camera" }).click();
  await page.getByRole("button", { name: "I agree" }).click();
}

test("live analysis requires consent, and sends nothing from the page", { skip }, async () => {
  const { context, page, faults } = await open("live");
  assert.equal(await page.evaluate(() => crossOriginIsolated), true);
  await page.getByRole("button", { name: "Open the camera" }).click();
  await page.getByRole("dialog").waitFor();
  assert.equal(await page.evaluate(() => document.querySelector("video").srcObject), null);
  await page.getByRole("button", { name: "Not now" }).click();
  await agree(page);
  await page.getByText("Expression appears").first().waitFor(PATIENCE);
  const asked = [];
  page.on("request", (request) => asked.push(request.url()));
  await page.waitForTimeout(3000);
  assert.deepEqual(asked, []);
  assert.match(await page.getByTestId("requests").innerText(), /^0 requests/);
  // Screen readers do not announce each reading.
  assert.equal(await page.locator(":is(.chart, .face) :is(output, [role=status], [aria-live])").count(), 0);
  const stored = await page.evaluate(() => ({ ...localStorage }));
  assert.deepEqual(Object.keys(stored), ["mien.consent"]);
  assert.deepEqual(Object.keys(JSON.parse(stored["mien.consent"])), ["version", "time"]);
  await page.getByRole("button", { name: "Stop and forget" }).click();
  await page.getByText("Analysis is off").waitFor();
  assert.equal(await page.locator(".face").count(), 0);
  assert.deepEqual(faults, []);
  await context.close();
});

test("an opened page works offline", { skip }, async () => {
  const { context, page } = await open("live");
  await page.getByRole("button", { name: "Open the camera" }).waitFor();
  await page.getByRole("link", { name: "Model & limits" }).click();
  await page.getByText("runs on the CPU").nth(2).waitFor(PATIENCE);
  await context.setOffline(true);
  await page.getByRole("link", { name: "Live" }).click();
  await agree(page);
  await page.locator(".face").first().waitFor(PATIENCE);
  await page.getByRole("button", { name: "Stop and forget" }).click();
  await page.getByRole("button", { name: "Open the camera" }).click();
  await page.locator(".face").first().waitFor(PATIENCE);
  await context.close();
});

test("a paused camera is shown as open, and the limits open without closing it", { skip }, async () => {
  const { context, page } = await open("live");
  await agree(page);
  await page.locator(".face").first().waitFor(PATIENCE);
  await page.getByRole("button", { name: "Pause" }).click();
  await page.getByText("Paused, camera open").waitFor();
  const saving = page.waitForEvent("download");
  await page.getByRole("button", { name: "Save readings" }).click();
  const { faces } = JSON.parse(readFileSync(await (await saving).path(), "utf8"));
  assert.deepEqual(faces.map(({ track_id: id }) => `Face ${id}`), await page.locator(".face h2").allInnerTexts());
  for (const { top, prediction_set: likely } of faces) assert.equal(likely[0], top);
  await page.getByRole("link", { name: "What mien cannot do" }).click();
  await page.getByRole("dialog").getByText("An expression is not a feeling.").waitFor();
  await assertAccessible(page);
  await page.getByRole("button", { name: "Close" }).click();
  await page.getByText("Paused, camera open").waitFor();
  await page.getByRole("button", { name: "Resume" }).click();
  await page.setViewportSize({ width: 360, height: 500 });
  await page.locator(".chart").scrollIntoViewIfNeeded();
  const { y } = await page.getByRole("button", { name: "Stop and forget" }).boundingBox();
  assert.ok(y >= 0 && y < 60, `Stop is at ${y}`);
  await assertFits(page);
  await context.close();
});

test("a dialog focuses its heading, even in a small window", { skip }, async () => {
  const { context, page } = await open("live", { viewport: { width: 640, height: 360 } });
  await page.getByRole("button", { name: "Open the camera" }).click();
  const notice = page.getByRole("dialog", { name: "Before the camera opens" });
  await notice.waitFor();
  const begins = async (dialog) => {
    assert.equal(await dialog.evaluate(({ scrollTop }) => scrollTop), 0);
    assert.equal(await page.evaluate(() => document.activeElement.tagName), "H2");
  };
  await begins(notice);
  await notice.getByRole("button", { name: "What mien cannot do" }).click();
  const limits = page.getByRole("dialog", { name: "What mien cannot do" });
  await begins(limits);
  await page.keyboard.press("Escape");
  await limits.waitFor({ state: "hidden" });
  assert.match(await page.evaluate(() => document.activeElement.textContent), /cannot do/);
  await page.keyboard.press("Escape");
  await notice.waitFor({ state: "hidden" });
  assert.equal(await page.evaluate(() => document.activeElement.textContent), "Open the camera");
  await context.close();
});

/** Drop files as from a file manager. */
async function drop(page, x, y, files) {
  const session = await page.context().newCDPSession(page);
  const data = { items: [], files, dragOperationsMask: 1 };
  for (const type of ["dragEnter", "dragOver", "drop"]) {
    await session.send("Input.dispatchDragEvent", { type, x, y, data });
  }
}

test("files dropped anywhere are read, and the page never navigates to them", { skip }, async () => {
  const { context, page } = await open("photo");
  await page.locator("h1").waitFor();
  await drop(page, 600, 20, [media.portrait]);
  await page.locator(".photo .face").waitFor(PATIENCE);
  await page.getByRole("link", { name: "Model & limits" }).click();
  await page.getByRole("heading", { name: "Model & limits" }).waitFor();
  await drop(page, 600, 400, [media.photo]);
  await page.waitForTimeout(500);
  assert.match(page.url(), /#\/model$/);
  await page.getByRole("link", { name: "Film" }).click();
  await page.getByRole("heading", { level: 1, name: "Film" }).waitFor();
  await page.locator("input[type=file]").waitFor({ state: "attached" });
  await drop(page, 600, 20, [media.film, media.photo]);
  await page.getByText("Only one film is read at a time. This is astronaut.mp4").waitFor(PATIENCE);
  await page.locator(".chart").waitFor(PATIENCE);
  await drop(page, 600, 20, [media.film]);
  await page.getByText("Stop and forget this one").waitFor();
  assert.match(page.url(), /#\/film$/);
  await page.getByRole("button", { name: "Stop and forget" }).click();
  await page.getByText("Choose a film", { exact: true }).waitFor();
  assert.equal(await page.locator(".alert").count(), 0);
  await context.close();
});

test("folders and sound files get their own messages", { skip }, async () => {
  const { context, page } = await open("photo");
  await page.locator("h1").waitFor();
  await page.getByText("This server", { exact: true }).click();
  await drop(page, 600, 300, [media.folder]);
  await page.getByText("cannot be opened. If it is a folder").waitFor();
  await page.getByText("This browser", { exact: true }).click();
  await page.getByRole("link", { name: "Film" }).click();
  await page.getByRole("heading", { level: 1, name: "Film" }).waitFor();
  const buffer = Buffer.alloc(44 + 16_000);
  buffer.write("RIFF");
  buffer.writeUInt32LE(36 + 16_000, 4);
  buffer.write("WAVEfmt ", 8);
  buffer.writeUInt32LE(16, 16);
  for (const [at, value] of [[20, 1], [22, 1], [32, 2], [34, 16]]) buffer.writeUInt16LE(value, at);
  for (const [at, value] of [[24, 8000], [28, 16_000]]) buffer.writeUInt32LE(value, at);
  buffer.write("data", 36);
  buffer.writeUInt32LE(16_000, 40);
  await page.locator("input[type=file]").setInputFiles({ name: "sound.wav", mimeType: "audio/wav", buffer });
  await page.getByText("no pictures in that film, only sound").waitFor(PATIENCE);
  await context.close();
});

test("boxes fit films with non-square pixels, and are absent if the film cannot be played", { skip }, async () => {
  const { context, page } = await open("film");
  await page.getByText("This server", { exact: true }).click();
  await page.locator("input[type=file]").setInputFiles(media.oblong);
  await page.locator(".tag").waitFor(PATIENCE);
  await page.waitForFunction(() => document.querySelector("video").videoWidth > 0);
  const [tag, mark] = await Promise.all([".tag", ".mark"].map((name) => page.locator(name).boundingBox()));
  assert.ok(Math.abs(tag.x - mark.x) < 4, `the tag is at ${tag.x}, the box at ${mark.x}`);
  await page.getByRole("button", { name: "Stop and forget" }).click();
  await page.locator("input[type=file]").setInputFiles(media.moving);
  await page.getByText("Your browser cannot play this film").waitFor(PATIENCE);
  assert.equal(await page.locator(".mark").count(), 0);
  await context.close();
});

test("a change of view focuses the heading", { skip }, async () => {
  const { context, page } = await open("model", { viewport: { width: 360, height: 500 } });
  await page.getByRole("contentinfo").scrollIntoViewIfNeeded();
  await page.evaluate(() => location.assign("#/photo"));
  await page.getByRole("heading", { name: "Photo", level: 1 }).waitFor();
  await page.waitForFunction(() => document.activeElement.tagName === "H1");
  assert.equal(await page.evaluate(() => scrollY), 0);
  await context.close();
});

test("withdrawing consent moves the focus to the heading", { skip }, async () => {
  const { context, page } = await open("live");
  await agree(page);
  await page.getByRole("link", { name: "Model & limits" }).click();
  await page.getByRole("button", { name: "Withdraw" }).press("Enter");
  assert.equal(await page.evaluate(() => document.activeElement.tagName), "H1");
  assert.deepEqual(await page.evaluate(() => Object.keys(localStorage)), []);
  await context.close();
});

test("removing a photograph moves the focus to its neighbour", { skip }, async () => {
  const { context, page } = await open("photo");
  await page.locator("input[type=file]").setInputFiles([media.photo, media.portrait]);
  await page.getByText("2 of 2 read").waitFor({ state: "attached", ...PATIENCE });
  await page.getByRole("button", { name: "Remove portrait.jpg" }).click();
  const focused = () => page.evaluate(() => document.activeElement.ariaLabel ?? document.activeElement.type);
  assert.equal(await focused(), "Remove astronaut.png");
  await page.getByRole("button", { name: "Remove astronaut.png" }).click();
  assert.equal(await focused(), "file");
  await page.locator("input[type=file]").setInputFiles({ name: "a.jpg", mimeType: "image/jpeg", buffer: Buffer.from("a") });
  await page.getByText("a.jpg cannot be displayed").waitFor(PATIENCE);
  assert.equal(await page.locator(".photo .picture").count(), 0);
  await page.getByRole("button", { name: "Try again" }).press("Enter", PATIENCE);
  assert.equal(await page.evaluate(() => document.activeElement.textContent), "a.jpg");
  await context.close();
});

async function read(page, place, photographs, patience) {
  await page.getByText(place, { exact: true }).click();
  await page.locator("input[type=file]").setInputFiles(photographs);
  await page.getByText(`${photographs.length} of ${photographs.length} read`).waitFor({ state: "attached", ...patience });
  const waiting = page.waitForEvent("download");
  await page.getByRole("button", { name: "Download JSON" }).click();
  const { items } = JSON.parse(readFileSync(await (await waiting).path(), "utf8"));
  await page.getByRole("button", { name: "Remove all" }).click();
  return items.map(({ frames }) => frames[0].faces);
}

async function assertBothReadAlike(page, photographs, patience = PATIENCE) {
  const here = await read(page, "This browser", photographs, patience);
  const there = await read(page, "This server", photographs, patience);
  assert.equal(here.length, photographs.length);
  here.forEach((faces, picture) => {
    assert.equal(faces.length, there[picture].length);
    faces.forEach((face, k) => {
      const other = there[picture][k];
      for (const [name, value] of Object.entries(face.emotions)) {
        assert.ok(Math.abs(value - other.emotions[name]) <= 0.02, `${name}: ${value} and ${other.emotions[name]}`);
      }
      for (const name of ["valence", "arousal", "score"]) {
        assert.ok(Math.abs(face[name] - other[name]) <= 0.02, `${name}: ${face[name]} and ${other[name]}`);
      }
      for (const side of ["x", "y", "width", "height"]) {
        assert.ok(Math.abs(face.box[side] - other.box[side]) <= 0.03 * other.box.width, side);
      }
      assert.equal(face.uncertain_reason, other.uncertain_reason);
      assert.deepEqual(face.prediction_set, other.prediction_set);
    });
  });
  return here;
}

test("this browser and this server give the same readings", { skip }, async () => {
  const { context, page } = await open("photo");
  await assertBothReadAlike(page, [media.photo, media.portrait]);
  await context.close();
});

test("they agree on rotated, grey, progressive and small photographs", { skip }, async () => {
  const { context, page } = await open("photo");
  const found = await assertBothReadAlike(page, media.variants);
  assert.deepEqual(found.slice(0, 3).map(({ length }) => length), [1, 1, 1]);
  assert.ok(found[3].length >= 3, `${found[3].length} faces`);
  await context.close();
});

test("the GPU gives the same readings, and the page names it", { skip }, async () => {
  const gpu = await startBrowser(null, SOFTWARE_GPU);
  try {
    const page = await gpu.newPage();
    await page.goto(`${server.url}/?compute=gpu#/photo`);
    // The software adapter is slow.
    await assertBothReadAlike(page, [media.portrait], { timeout: 300_000 });
    await page.getByRole("link", { name: "Model & limits" }).click();
    await page.getByText("runs on the GPU (WebGPU)").first().waitFor(PATIENCE);
  } finally {
    await gpu.close();
  }
});

/** Wait until an activation map has been painted over a photograph. */
async function mapIsPainted(page) {
  await page.waitForFunction(
    () => {
      const canvas = document.querySelector("canvas.overlay");
      if (!canvas) return false;
      const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
      return data.some((value, place) => place % 4 === 3 && value > 150);
    },
    null,
    PATIENCE,
  );
}

test("a photograph stays visible beside the last of its readings", { skip }, async () => {
  const { context, page } = await open("photo");
  await page.locator("input[type=file]").setInputFiles(media.variants[3]);
  await page.locator(".photo .face").nth(2).waitFor(PATIENCE);
  await page.locator(".photo .face").last().scrollIntoViewIfNeeded();
  const { y } = await page.locator(".photo .picture").boundingBox();
  assert.ok(y >= 0, `it is at ${y}`);
  await context.close();
});

test("text follows the font size of the browser", { skip }, async () => {
  const large = await startBrowser(null, ["--blink-settings=defaultFontSize=32"]);
  try {
    const page = await large.newPage();
    await page.goto(`${server.url}/#/model`);
    const size = await page.evaluate(() => Number.parseFloat(getComputedStyle(document.documentElement).fontSize));
    assert.ok(size >= 32, `${size} pixels`);
  } finally {
    await large.close();
  }
});

test("a photograph shows its activation map", { skip }, async () => {
  const { context, page } = await open("photo");
  await page.locator("input[type=file]").setInputFiles(media.photo);
  await page.getByRole("button", { name: "Show activation map" }).click(PATIENCE);
  await mapIsPainted(page);
  await assertAccessible(page);
  await context.close();
});

test("the activation map is shown after a failed request", { skip }, async () => {
  const { context, page } = await open("photo");
  await page.getByText("This server", { exact: true }).click();
  await page.locator("input[type=file]").setInputFiles(media.portrait);
  const show = page.getByRole("button", { name: "Show activation map" });
  await show.waitFor(PATIENCE);
  await page.route("**/api/v1/analyze*", (route) => route.fulfill({ status: 500, json: { detail: "it is 500" } }));
  await show.click();
  await page.getByText("it is 500").waitFor();
  await page.unroute("**/api/v1/analyze*");
  await page.getByRole("button", { name: "Try again" }).click();
  await mapIsPainted(page);
  await context.close();
});

test("an animation is referred to the place where it can be read", { skip }, async () => {
  const { context, page, faults } = await open("photo");
  await page.locator("input[type=file]").setInputFiles([media.moving, media.portrait]);
  await page.getByText("moving.gif is not a still picture. Open it in Film.").waitFor(PATIENCE);
  await page.locator(".photo .face").waitFor(PATIENCE);
  await page.getByRole("link", { name: "Film" }).click();
  await page.getByRole("heading", { level: 1, name: "Film" }).waitFor();
  await page.locator("input[type=file]").setInputFiles(media.moving);
  await page.getByText("Let this server read it").waitFor(PATIENCE);
  assert.deepEqual(faults, []);
  await context.close();
});

test("a film gets a timeline, events and downloads", { skip }, async () => {
  const { context, page } = await open("film");
  await page.getByText("This server").click();
  await page.locator("input[type=file]").setInputFiles(media.film);
  await page.locator(".chart").waitFor(PATIENCE);
  const plot = page.locator(".u-over");
  const { width } = await plot.boundingBox();
  for (const [wide, high] of [[1280, 800], [390, 844]]) {
    await page.setViewportSize({ width: wide, height: high });
    const [player, timeline] = await Promise.all([page.locator(".film video"), plot].map((one) => one.boundingBox()));
    assert.ok(timeline.y + timeline.height - player.y < high - 60, "a moment that is picked can be seen");
  }
  await page.setViewportSize({ width: 1280, height: 800 });
  await page.waitForFunction((before) => document.querySelector(".u-over").offsetWidth === before, Math.round(width));
  await plot.scrollIntoViewIfNeeded();
  await plot.click({ position: { x: width / 2, y: 20 } });
  const time = await page.locator("video").evaluate((video) => video.currentTime);
  assert.ok(Math.abs(time - 2) < 0.3, String(time));
  assert.match(await page.locator(".moment").innerText(), /^0:0(1\.[7-9]|2\.[0-3])$/);
  await page.getByRole("slider").press("ArrowLeft");
  await page.waitForFunction(() => /^0:0(0\.[7-9]|1\.[0-3])$/.test(document.querySelector(".moment").textContent));
  await page.getByRole("slider").press("ArrowRight");
  const { x, y, height } = await plot.boundingBox();
  await page.mouse.move(x + width / 4, y + height / 2);
  await page.waitForFunction(() => /^0:0(0\.[7-9]|1\.[0-3])$/.test(document.querySelector(".moment").textContent));
  await page.mouse.move(x + width / 4, y - 40);
  const playhead = await page.locator(".playhead").boundingBox();
  assert.ok(Math.abs(playhead.x - x - width / 2) < width / 12, `the playhead is at ${playhead.x - x} of ${width}`);
  await page.getByRole("slider").press("ArrowRight");
  const later = await page.locator("video").evaluate((video) => video.currentTime);
  assert.ok(Math.abs(later - time - 1) < 0.3, String(later));
  await assertAccessible(page);
  await page.getByRole("row").nth(1).waitFor();
  const waiting = page.waitForEvent("download");
  await page.getByRole("link", { name: "Annotated film" }).click();
  assert.match((await waiting).suggestedFilename(), /annotated\.mp4$/);
  const elan = page.waitForEvent("download");
  await page.getByRole("link", { name: "Events, ELAN" }).click();
  assert.match(readFileSync(await (await elan).path(), "utf8"), /TIER_ID="face 1 happiness"/);
  await context.close();
});

test("a film's report opens, shows its charts and runs no scripts", { skip }, async () => {
  const { context, page } = await open("film");
  await page.getByText("This server").click();
  await page.locator("input[type=file]").setInputFiles(media.film);
  const opening = context.waitForEvent("page");
  await page.getByRole("link", { name: "Open the report" }).click(PATIENCE);
  const report = await opening;
  // Reloading once it is loaded records all console messages.
  await report.waitForURL(/\/report$/);
  const refused = [];
  report.on("console", (message) => refused.push(message.text()));
  await report.reload();
  await report.getByRole("heading", { name: "astronaut.mp4" }).waitFor();
  assert.ok((await report.locator("svg.chart").first().boundingBox()).width > 400);
  assert.notEqual(await report.evaluate(() => getComputedStyle(document.body).maxWidth), "none");
  assert.deepEqual(refused, []);
  const saving = page.waitForEvent("download");
  await page.getByRole("link", { name: "HTML report" }).click();
  assert.match((await saving).suggestedFilename(), /report\.html$/);
  await context.close();
});

test("a film is also read in this browser, with its events", { skip }, async () => {
  const { context, page } = await open("film");
  await page.locator("input[type=file]").setInputFiles(media.film);
  await page.locator(".chart").waitFor(PATIENCE);
  const cells = await page.getByRole("row").nth(1).getByRole("cell").allInnerTexts();
  assert.deepEqual(cells.slice(0, 3), ["1", "happy", "0:00.0"]);
  const waiting = page.waitForEvent("download");
  await page.getByRole("button", { name: "Events, CSV" }).click();
  assert.match(readFileSync(await (await waiting).path(), "utf8"), /^source,track_id,.*\nastronaut\.mp4,1,happiness,0,/);
  await context.close();
});

test("a film that begins late is read from its first frame to its end, here and on the server", { skip }, async () => {
  const { context, page } = await open("film");
  for (const [place, name, count] of [["This browser", "button", 10], ["This server", "link", 20]]) {
    await page.getByText(place, { exact: true }).click();
    await page.locator("input[type=file]").setInputFiles(media.late);
    await page.locator(".chart").waitFor(PATIENCE);
    const waiting = page.waitForEvent("download");
    await page.getByRole(name, { name: "Readings, JSON" }).click();
    const [{ frames }] = JSON.parse(readFileSync(await (await waiting).path(), "utf8")).items;
    assert.deepEqual([frames[0].time_s, frames.length, frames.every(({ faces }) => faces.length === 1)], [100, count, true]);
    await page.getByRole("button", { name: "Stop and forget" }).click();
  }
  await context.close();
});

test("a film that is read here causes no requests, whichever view is open", { skip }, async () => {
  const { context, page } = await open("film");
  await page.evaluate(() => {
    const make = window.createImageBitmap;
    // Slow enough for the checks below.
    window.createImageBitmap = (film) => new Promise((resolve) => setTimeout(resolve, 200)).then(() => make(film));
  });
  await page.locator("input[type=file]").setInputFiles(media.film);
  const requests = page.getByTestId("requests");
  await requests.waitFor(PATIENCE);
  for (const view of ["Model & limits", "Photo", "Live"]) {
    await page.getByRole("link", { name: view, exact: true }).click();
    await page.getByRole("heading", { name: view, level: 1 }).waitFor();
    await page.waitForTimeout(300);
    assert.match(await requests.innerText(), /^0 requests/);
  }
  await page.getByRole("button", { name: "Stop and forget" }).click();
  await page.getByText("Analysis is off").waitFor();
  await context.close();
});

test("a denied or lost camera is reported", { skip }, async () => {
  const { context, page } = await open("live");
  await page.evaluate(() => {
    window.real = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
    navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException("no", "NotAllowedError"));
  });
  await agree(page);
  await page.getByText("Access to the camera was denied").waitFor(PATIENCE);
  await page.evaluate(() => {
    navigator.mediaDevices.getUserMedia = async (wanted) => {
      window.stream = await window.real(wanted);
      return window.stream;
    };
  });
  await page.getByRole("button", { name: "Open the camera" }).click();
  await page.locator(".face").first().waitFor(PATIENCE);
  await page.evaluate(() => window.stream.getVideoTracks()[0].dispatchEvent(new Event("ended")));
  await page.getByText("was disconnected").waitFor();
  await page.getByRole("button", { name: "Try again" }).click();
  await page.locator(".face").first().waitFor(PATIENCE);
  await context.close();
});

async function assertAccessible(page) {
  await page.evaluate(readFileSync(AXE, "utf8"));
  const { violations } = await page.evaluate(() => window.axe.run());
  const serious = violations.filter(({ impact }) => impact === "serious" || impact === "critical");
  assert.deepEqual(serious.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)]), []);
}

async function assertFits(page) {
  const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  assert.ok(overflow <= 0, `${overflow} pixels too wide`);
}

for (const view of ["live", "photo", "film", "model"]) {
  test(`${view} has no serious accessibility violation and fits 360 pixels`, { skip }, async () => {
    for (const colorScheme of ["light", "dark"]) {
      const { context, page, faults } = await open(view, { viewport: { width: 360, height: 740 }, colorScheme });
      await page.locator("h1").waitFor();
      await page.waitForTimeout(300);
      await assertFits(page);
      await assertAccessible(page);
      assert.deepEqual(faults, []);
      await context.close();
    }
  });
}

test("readings fit 360 pixels in dark mode and have no serious accessibility violation", { skip }, async () => {
  const options = { viewport: { width: 360, height: 740 }, colorScheme: "dark" };
  for (const [view, file, shown] of [["photo", media.photo, ".photo .face"], ["film", media.film, ".chart"]]) {
    const { context, page } = await open(view, options);
    await page.locator("input[type=file]").setInputFiles(file);
    await page.locator(shown).first().waitFor(PATIENCE);
    await assertFits(page);
    await assertAccessible(page);
    await context.close();
  }
});

test("choices and bars are visible with forced colours", { skip }, async () => {
  const { context, page } = await open("photo", { forcedColors: "active" });
  await page.locator("input[type=file]").setInputFiles(media.portrait);
  await page.locator(".photo .face").waitFor(PATIENCE);
  const ground = (element) => getComputedStyle(element).backgroundColor;
  const chosen = await page.locator(".switch input:checked + span").evaluate(ground);
  assert.notEqual(chosen, await page.locator(".switch input:not(:checked) + span").evaluate(ground));
  const bar = await page.locator(".bar-fill").first().evaluate(ground);
  assert.notEqual(bar, await page.locator(".face").first().evaluate(ground));
  await assertAccessible(page);
  await context.close();
});

test("an accepted token does not stay in its form", { skip }, async () => {
  const { context, page } = await open("photo");
  let entered = false;
  const refuse = (route) => route.fulfill({ status: 401, json: { detail: "the token is wrong" } });
  await page.route("**/api/v1/models", (route) => (entered ? route.continue() : refuse(route)));
  await page.route("**/api/v1/analyze*", refuse);
  await page.route("**/api/v1/session", (route) => {
    entered = route.request().postDataJSON().token === "right";
    return entered ? route.fulfill({ status: 204 }) : refuse(route);
  });
  await page.reload();
  const token = page.getByLabel("Token");
  await page.getByRole("heading", { name: "requires a token", level: 1 }).waitFor();
  await token.fill("wrong");
  await page.getByRole("button", { name: "Open" }).click();
  await page.locator(".token .alert").waitFor();
  await token.fill("right");
  await page.getByRole("button", { name: "Open" }).click();
  await token.waitFor({ state: "detached" });
  assert.equal(await page.evaluate(() => document.activeElement.textContent), "Photo");
  await page.getByText("This server", { exact: true }).click();
  await page.locator("input[type=file]").setInputFiles(media.portrait);
  await token.waitFor();
  assert.equal(await token.inputValue(), "");
  assert.equal(await page.locator(".token .alert").count(), 0);
  await context.close();
});

test("the notice shows the texts configured on the server", { skip }, async () => {
  const { context, page } = await open("live");
  const given = { where: "In the hall of the museum.", kept: "Nothing at all.\n\nReally." };
  await page.route("**/api/v1/models", async (route) => {
    const response = await route.fetch();
    const content = await response.json();
    await route.fulfill({ response, json: { ...content, consent: { ...content.consent, ...given } } });
  });
  await page.reload();
  await page.getByRole("button", { name: "Open the camera" }).click();
  const shown = await page.getByRole("dialog").locator("dd").allInnerTexts();
  assert.deepEqual(shown.slice(1).map((text) => text.split(/\n+/)), [
    ["This browser. In the hall of the museum."],
    ["Nothing at all.", "Really."],
  ]);
  await context.close();
});

test("consent for this browser does not send pictures to the server", { skip }, async () => {
  const { context, page } = await open("live");
  await page.getByRole("button", { name: "Open the camera" }).click();
  await page.getByRole("dialog").waitFor();
  await assertAccessible(page);
  await page.getByRole("button", { name: "I agree" }).click();
  await page.locator(".face").first().waitFor(PATIENCE);
  await assertAccessible(page);
  const sockets = [];
  page.on("websocket", (socket) => sockets.push(socket.url()));
  await page.getByText("This server", { exact: true }).click();
  await page.getByText("Analysis is off").waitFor();
  await page.getByRole("button", { name: "Open the camera" }).click();
  await page.getByRole("dialog").getByText("Pictures go to the server").waitFor();
  assert.deepEqual(sockets, []);
  await page.getByRole("button", { name: "Not now" }).click();
  assert.equal(await page.evaluate(() => document.activeElement.textContent), "Open the camera");
  await context.close();
});

// Last, since it stops the server.
test("live analysis on the server survives a restart of the server", { skip }, async () => {
  const { context, page } = await open("live");
  await page.getByText("This server").click();
  await agree(page);
  await page.locator(".face").first().waitFor(PATIENCE);
  await server.stop();
  await page.getByText("cannot be reached").first().waitFor(PATIENCE);
  server = await startServer(server.port);
  await page.getByText("cannot be reached").first().waitFor({ state: "detached", ...PATIENCE });
  await page.locator(".face").first().waitFor(PATIENCE);
  await context.close();
});
