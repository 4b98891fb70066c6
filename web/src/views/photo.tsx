/** Photo: several photographs, each with its reading beside it. */

import { useMemo, useState } from "preact/hooks";
import type { Activation, Item } from "../api/types";
import { Alert, Button, Drop, Lead } from "../components/controls";
import { useDroppedFiles, useNetworks } from "../components/hooks";
import { Framed, Heat, type Marked, Overlay } from "../components/overlay";
import { FaceCard } from "../components/readings";
import { pageNetworks } from "../device/messages";
import { csvOf, jsonOf, save } from "../download";
import { addPictures, clearPictures, type Picture, pictures, readAgain, removePicture } from "../live/pictures";
import { models } from "../state";
import { strings } from "../strings";

const words = strings.photo;
const itemsOf = (read: readonly Picture[]) => read.flatMap(({ item }) => item ?? []);
const facesOf = (item?: Item) => item?.frames[0]?.faces ?? [];

export function Photo() {
  const shown = pictures.value;
  const read = shown.filter(({ item }) => item);
  const over = useDroppedFiles(addPictures);
  useNetworks();
  return (
    <>
      <Lead title={words.title}>{words.lead}</Lead>
      <Drop
        title={words.drop}
        choose={words.choose}
        hint={words.hint}
        accept="image/*"
        multiple
        small={shown.length > 0}
        over={over}
        onFiles={addPictures}
      />
      {shown.length > 0 && (
        <div class="controls">
          {read.length > 0 && models.value && (
            <>
              <Button onClick={() => saveJson(read)}>{words.json}</Button>
              <Button onClick={() => save("mien.csv", "text/csv", csvOf(itemsOf(read)))}>{words.csv}</Button>
            </>
          )}
          <Button tone="danger" onClick={clear}>
            {words.clear}
          </Button>
        </div>
      )}
      <p class="hidden" role="status">
        {shown.length > 0 && words.progress(read.length, shown.length, itemsOf(read).flatMap(facesOf).length)}
      </p>
      <div class="pictures">
        {shown.map((picture) => (
          <PictureResult key={picture.id} picture={picture} />
        ))}
      </div>
    </>
  );
}

function PictureResult({ picture }: { picture: Picture }) {
  const [looking, setLooking] = useState(false);
  const { file, item, problem, note } = picture;
  const faces = facesOf(item);
  const marked = faces.map((face, index) => ({ number: index, face }));
  const again = ({ currentTarget }: { currentTarget: HTMLElement }) => retry(picture, looking, currentTarget);
  return (
    <article class="photo">
      <header>
        <h2 tabIndex={-1}>{file.name}</h2>
        {item && <span class="hint">{words.found(faces.length)}</span>}
        <Button
          tone="quiet"
          aria-label={words.remove(file.name)}
          onClick={({ currentTarget }) => remove(picture.id, currentTarget)}
        >
          ×
        </Button>
      </header>
      <div class="stage">
        <Marks picture={picture} marked={marked} looking={looking} />
        <section class="readings" aria-label={file.name}>
          {problem && <Alert action={<Button onClick={again}>{strings.retry}</Button>}>{problem}</Alert>}
          {!item && !problem && <p>{note || words.reading}</p>}
          {item && !faces.length && <p class="empty">{words.noFace}</p>}
          {marked.map(({ number, face }) => (
            <FaceCard key={number} title={strings.face(number)} face={face} level={3} />
          ))}
          {faces.length > 0 && <MapButton picture={picture} looking={looking} onChange={setLooking} />}
        </section>
      </div>
    </article>
  );
}

function Marks(props: { picture: Picture; marked: readonly Marked[]; looking: boolean }) {
  const { picture, marked, looking } = props;
  const [aspect, setAspect] = useState<number>();
  const [broken, setBroken] = useState(false);
  const { file, url, item } = picture;
  const maps = useMemo(() => mapsOf(item), [item]);
  const size = item?.width && item.height ? { width: item.width, height: item.height } : null;
  if (broken) return null;
  return (
    <Framed kind="still" aspect={aspect}>
      <img
        src={url}
        alt={item ? words.alt(file.name, marked.length) : file.name}
        onLoad={({ currentTarget: { naturalWidth, naturalHeight } }) => setAspect(naturalWidth / naturalHeight)}
        onError={() => setBroken(true)}
      />
      {size && looking && <Heat {...size} maps={maps} />}
      {size && <Overlay {...size} marked={marked} />}
    </Framed>
  );
}

function MapButton(props: { picture: Picture; looking: boolean; onChange: (looking: boolean) => void }) {
  const { picture, looking, onChange } = props;
  const [asking, setAsking] = useState(false);
  const change = async () => {
    onChange(!looking);
    if (looking || asking || mapsOf(picture.item).length) return;
    setAsking(true);
    await readAgain(picture, true);
    setAsking(false);
  };
  return (
    <Button aria-pressed={looking} onClick={change}>
      {looking ? (asking ? words.reading : words.hideMap) : words.map}
    </Button>
  );
}

function mapsOf(item?: Item): Activation[] {
  return facesOf(item).flatMap(({ activation }) => (activation ? [activation as Activation] : []));
}

/** Move the focus to a neighbour of the removed picture. */
function remove(id: number, button: HTMLElement): void {
  const picture = button.closest("article");
  const beside = picture?.nextElementSibling ?? picture?.previousElementSibling;
  (beside?.querySelector<HTMLElement>("header button") ?? chooser())?.focus();
  removePicture(id);
}

/** Keep the focus on the picture when the button of its problem disappears. */
function retry(picture: Picture, looking: boolean, button: HTMLElement): void {
  button.closest("article")?.querySelector<HTMLElement>("h2")?.focus();
  void readAgain(picture, looking);
}

function clear(): void {
  chooser()?.focus();
  clearPictures();
}

const chooser = () => document.querySelector<HTMLElement>("input[type=file]");

function saveJson(read: readonly Picture[]): void {
  if (!models.value) return;
  const there = read.some(({ where }) => where === "server");
  const networks = there ? models.value.models : pageNetworks(models.value);
  save("mien.json", "application/json", jsonOf(itemsOf(read), networks));
}
