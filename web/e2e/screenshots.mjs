/** Screenshots of the four views at three widths: node e2e/screenshots.mjs FOLDER
 *
 * For the README: node web/e2e/screenshots.mjs docs/images 1100 jpeg, only the visible part. */

import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { sampleMedia, startBrowser, startServer } from "./harness.mjs";

const folder = process.argv[2] ?? "screenshots";
const widths = (process.argv[3] ?? "360,1280,2560").split(",").map(Number);
const jpeg = process.argv[4] === "jpeg";
mkdirSync(folder, { recursive: true });
const media = sampleMedia();
const server = await startServer();
const browser = await startBrowser(media.camera);
try {
  for (const width of widths) {
    const height = width < 600 ? 780 : Math.round(width * 0.62);
    const colorScheme = width === 2560 ? "dark" : "light";
    const context = await browser.newContext({ viewport: { width, height }, colorScheme });
    const page = await context.newPage();
    page.on("pageerror", (error) => console.error("page:", error.message));
    page.on("console", (message) => message.type() === "error" && console.error("console:", message.text()));
    const shoot = (name) =>
      page.screenshot(
        jpeg
          ? { path: join(folder, `${name}.jpg`), type: "jpeg", quality: 72 }
          : { path: join(folder, `${name}-${width}.png`), fullPage: true },
      );
    await page.goto(`${server.url}/#/live`);
    await page.getByRole("button", { name: "Open the camera" }).click();
    await page.getByRole("dialog").waitFor();
    await shoot("consent");
    await page.getByRole("button", { name: "I agree" }).click();
    await page.locator(".face").first().waitFor({ timeout: 60_000 });
    await page.waitForTimeout(6000);
    await shoot("live");
    await page.goto(`${server.url}/#/photo`);
    await page.locator("input[type=file]").setInputFiles(media.photo);
    await page.locator(".face").first().waitFor({ timeout: 60_000 });
    await shoot("photo");
    await page.goto(`${server.url}/#/film`);
    if (width !== 360) await page.locator(".switch label").last().click();
    await page.locator("input[type=file]").setInputFiles(media.film);
    await page.locator(".chart").waitFor({ timeout: 100_000 });
    await page.waitForFunction(() => document.querySelector("video")?.readyState === 4);
    await page.waitForTimeout(2000);
    await shoot("film");
    await page.goto(`${server.url}/#/model`);
    await shoot("model");
    await context.close();
  }
} finally {
  await browser.close();
  await server.stop();
  media.remove();
}
