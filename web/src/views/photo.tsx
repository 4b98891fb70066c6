/** Photo: photographs, each with its readings beside it. */

import { useMemo, useState } from "preact/hooks";
import type { Activation, Item } from "../api/types";
import { Alert, Button, Drop, Lead } from "../components/controls";
import { useDroppedFiles, useNetworks } from "../components/hooks";
import { Framed, ActivationMaps, type Marked, Overlay } from "../components/overlay";
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
  const failed = shown.filter(({ problem }) => problem);
  const over = useDroppedFiles(addPictures);
  useNetworks();
  return (
    <>
      <Lead title={words.title}>{!shown.length && words.lead}</Lead>
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
          {failed.length > 1 && <Button onClick={() => readAgain(failed)}>{words.retryFailed}</Button>}
          <Button tone="danger" onClick={clear}>
            {words.clear}
          </Button>
        </div>
      )}
      <p class={shown.length > 1 ? "hint" : "hidden"} role="status">
        {shown.length > 0 &&
          words.progress(read.length, shown.length, itemsOf(read).flatMap(facesOf).length, failed.length)}
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
  const [showMap, setShowMap] = useState(false);
  const { file, item, problem, note } = picture;
  const faces = facesOf(item);
  const marked = faces.map((face, index) => ({ number: index + 1, face }));
  const again = ({ currentTarget }: { currentTarget: HTMLElement }) => retry(picture, showMap, currentTarget);
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
        <MarkedPicture picture={picture} marked={marked} showMap={showMap} />
        <section class="readings" aria-label={file.name}>
          {problem && <Alert action={<Button onClick={again}>{strings.retry}</Button>}>{problem}</Alert>}
          {!item && !problem && <p>{note || words.reading}</p>}
          {item && !faces.length && <p class="empty">{words.noFace}</p>}
          {marked.map(({ number, face }) => (
            <FaceCard key={number} title={strings.face(number)} face={face} level={3} />
          ))}
          {faces.length > 0 && <MapButton picture={picture} showMap={showMap} onChange={setShowMap} />}
        </section>
      </div>
    </article>
  );
}

function MarkedPicture(props: { picture: Picture; marked: readonly Marked[]; showMap: boolean }) {
  const { picture, marked, showMap } = props;
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
      {size && showMap && <ActivationMaps {...size} maps={maps} />}
      {size && <Overlay {...size} marked={marked} />}
    </Framed>
  );
}

function MapButton(props: { picture: Picture; showMap: boolean; onChange: (showMap: boolean) => void }) {
  const { picture, showMap, onChange } = props;
  const [loading, setLoading] = useState(false);
  const change = async () => {
    onChange(!showMap);
    if (showMap || loading || mapsOf(picture.item).length) return;
    setLoading(true);
    await readAgain([picture], true);
    setLoading(false);
  };
  return (
    <Button aria-pressed={showMap} onClick={change}>
      {showMap ? (loading ? words.reading : words.hideMap) : words.showMap}
    </Button>
  );
}

function mapsOf(item?: Item): Activation[] {
  return facesOf(item).flatMap(({ activation }) => (activation ? [activation as Activation] : []));
}

/** Remove a picture, and move the focus to a neighbour. */
function remove(id: number, button: HTMLElement): void {
  const picture = button.closest("article");
  const beside = picture?.nextElementSibling ?? picture?.previousElementSibling;
  (beside?.querySelector<HTMLElement>("header button") ?? chooser())?.focus();
  removePicture(id);
}

/** Read a picture again, and focus its heading, since the button disappears. */
function retry(picture: Picture, showMap: boolean, button: HTMLElement): void {
  button.closest("article")?.querySelector<HTMLElement>("h2")?.focus();
  void readAgain([picture], showMap);
}

function clear(): void {
  chooser()?.focus();
  clearPictures();
}

const chooser = () => document.querySelector<HTMLElement>("input[type=file]");

function saveJson(read: readonly Picture[]): void {
  if (!models.value) return;
  const usesServer = read.some(({ where }) => where === "server");
  const networks = usesServer ? models.value.models : pageNetworks(models.value);
  save("mien.json", "application/json", jsonOf(itemsOf(read), networks));
}
