/** Photo: several at once, each with its reading beside it. */

import { signal } from "@preact/signals";
import { useState } from "preact/hooks";
import { analyzePicture } from "../api/client";
import type { Activation, Result } from "../api/types";
import { Alert, Button, Drop, Lead } from "../components/controls";
import { Heat, Overlay } from "../components/overlay";
import { FaceCard } from "../components/readings";
import { device } from "../device/device";
import { csvOf, jsonOf, save } from "../download";
import { startCounting } from "../live/traffic";
import { models, type Place, place, setRunning } from "../state";
import { strings } from "../strings";

type Item = Result["items"][number];

interface Picture {
  readonly id: number;
  readonly name: string;
  readonly url: string;
  readonly item?: Item;
  readonly problem?: string;
}

const words = strings.photo;
const pictures = signal<readonly Picture[]>([]);
let last = 0;

export function Photo() {
  const read = pictures.value.flatMap(({ item }) => (item ? [item] : []));
  return (
    <>
      <Lead title={words.title}>{words.lead}</Lead>
      <Drop
        title={words.drop}
        choose={words.choose}
        hint={words.hint}
        accept="image/*"
        multiple
        small={pictures.value.length > 0}
        onFiles={add}
      />
      {pictures.value.length > 0 && (
        <div class="controls">
          {read.length > 0 && models.value && (
            <>
              <Button onClick={() => saveJson(read)}>{words.json}</Button>
              <Button onClick={() => save("mien.csv", "text/csv", csvOf(read))}>{words.csv}</Button>
            </>
          )}
          <Button tone="danger" onClick={clear}>
            {words.clear}
          </Button>
        </div>
      )}
      <div class="pictures" aria-live="polite">
        {pictures.value.map((picture) => (
          <PictureResult key={picture.id} picture={picture} />
        ))}
      </div>
    </>
  );
}

function PictureResult({ picture }: { picture: Picture }) {
  const [looking, setLooking] = useState(false);
  const { name, item, problem } = picture;
  const faces = item?.frames[0]?.faces ?? [];
  const maps = faces.flatMap(({ activation }) => (activation ? [activation as Activation] : []));
  const marked = faces.map((face, number) => ({ label: strings.face(number + 1), face }));
  return (
    <article class="photo">
      <header>
        <h2>{name}</h2>
        {item && <span class="hint">{words.found(faces.length)}</span>}
        <Button tone="quiet" aria-label={words.remove(name)} onClick={() => remove(picture.id)}>
          ×
        </Button>
      </header>
      <div class="stage">
        <div class="picture still">
          <img src={picture.url} alt={words.alt(name, faces.length)} />
          {item?.width && item.height && looking && <Heat width={item.width} height={item.height} maps={maps} />}
          {item?.width && item.height && <Overlay width={item.width} height={item.height} marked={marked} />}
        </div>
        <section class="readings" aria-label={name}>
          {problem && <Alert>{problem}</Alert>}
          {!item && !problem && <p role="status">{words.reading}</p>}
          {item && !faces.length && <p class="empty">{words.noFace}</p>}
          {marked.map(({ label, face }) => (
            <FaceCard key={label} title={label} face={face} />
          ))}
          {maps.length > 0 && (
            <Button aria-pressed={looking} onClick={() => setLooking(!looking)}>
              {looking ? words.hideMap : words.map}
            </Button>
          )}
        </section>
      </div>
    </article>
  );
}

async function add(files: File[]): Promise<void> {
  // Where they are read is what was shown when they were dropped.
  const where = place.value;
  const added = files.map((file) => ({ file, id: ++last, name: file.name, url: URL.createObjectURL(file) }));
  pictures.value = [...pictures.value, ...added.map(({ file: _, ...picture }) => picture)];
  const task = `photo ${added[0]?.id}`;
  setRunning(task, where);
  if (where === "browser" && models.value) await device.load(models.value).catch(() => undefined);
  startCounting();
  for (const { file, id } of added) {
    if (!pictures.value.some((one) => one.id === id)) continue;
    try {
      change(id, { item: await read(file, where) });
    } catch (error) {
      change(id, { problem: error instanceof Error ? error.message : strings.errors.unexpected });
    }
  }
  setRunning(task, null);
}

async function read(file: File, where: Place): Promise<Item> {
  if (where === "server") return (await analyzePicture(file, true)).items[0];
  if (!models.value) throw new Error(strings.errors.offlineModels);
  await device.load(models.value);
  const bitmap = await createImageBitmap(file, { colorSpaceConversion: "none" }).catch(() => {
    throw new Error(strings.errors.notAPicture(file.name));
  });
  const { width, height, faces } = await device.read(bitmap, undefined, true);
  return { source: file.name, kind: "image", width, height, frames: [{ index: 0, time_s: 0, faces }] };
}

function change(id: number, with_: Partial<Picture>): void {
  pictures.value = pictures.value.map((picture) => (picture.id === id ? { ...picture, ...with_ } : picture));
}

function remove(id: number): void {
  for (const picture of pictures.value) if (picture.id === id) URL.revokeObjectURL(picture.url);
  pictures.value = pictures.value.filter((picture) => picture.id !== id);
}

function clear(): void {
  for (const { id } of pictures.value) remove(id);
}

function saveJson(items: readonly Item[]): void {
  if (models.value) save("mien.json", "application/json", jsonOf(items, models.value));
}
