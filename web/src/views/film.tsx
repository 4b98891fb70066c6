/** Film: progress, the player with its timeline, moments and downloads. */

import { useMemo, useRef, useState } from "preact/hooks";
import type { Frame } from "../api/types";
import { Chart, type Columns } from "../components/chart";
import { Alert, Button, Drop, Lead } from "../components/controls";
import { Overlay } from "../components/overlay";
import { FaceCard } from "../components/readings";
import { csvOf, jsonOf, save } from "../download";
import { momentsOf } from "../events";
import { type Film as Shown, film, forgetFilm, openFilm } from "../live/film";
import { models, place } from "../state";
import { strings } from "../strings";
import { EMOTIONS } from "../vision/labels";

const words = strings.film;

export function Film() {
  const shown = film.value;
  return (
    <>
      <Lead title={words.title}>{words.lead}</Lead>
      {!shown && (
        <Drop
          title={words.drop}
          choose={words.choose}
          hint={place.value === "server" ? words.hint : words.hintBrowser}
          accept="video/*,.mkv,image/gif"
          onFiles={([file]) => openFilm(file)}
        />
      )}
      {shown?.problem && (
        <Alert action={<Button onClick={forgetFilm}>{words.another}</Button>}>{shown.problem}</Alert>
      )}
      {shown && (shown.stage === "uploading" || shown.stage === "reading") && <Progress shown={shown} />}
      {shown?.stage === "done" && shown.item && <FilmResult shown={shown} frames={shown.item.frames} />}
    </>
  );
}

function Progress({ shown }: { shown: Shown }) {
  const title = shown.stage === "uploading" ? words.uploading : words.reading;
  return (
    <section class="progress" aria-label={title}>
      <p>
        {title}: {shown.name}
      </p>
      <progress aria-label={title} value={shown.share ?? undefined} max={1} />
      <p class="hint" role="status">
        {shown.note}
      </p>
      <Button onClick={forgetFilm}>{words.cancel}</Button>
    </section>
  );
}

function FilmResult({ shown, frames }: { shown: Shown; frames: readonly Frame[] }) {
  const video = useRef<HTMLVideoElement>(null);
  const [time, setTime] = useState(0);
  const [playable, setPlayable] = useState(true);
  const columns = useMemo(() => columnsOf(frames), [frames]);
  const go = (to: number) => {
    if (video.current) video.current.currentTime = Math.max(to, 0);
    setTime(to);
  };
  const current = nearest(frames, time);
  const { width, height } = shown.item ?? {};
  const marked = (current?.faces ?? []).map((face, number) => ({ label: strings.face(number + 1), face }));
  return (
    <>
      {shown.job?.warning && <Alert>{shown.job.warning}</Alert>}
      {!playable && <Alert>{words.cannotPlay}</Alert>}
      <div class="stage">
      <div class="picture film">
        <video
          ref={video}
          src={shown.url}
          controls
          playsInline
          aria-label={shown.name}
          onTimeUpdate={(event) => setTime(event.currentTarget.currentTime)}
          onError={() => setPlayable(false)}
        />
        {width && height && <Overlay width={width} height={height} marked={marked} />}
      </div>
      <section class="readings" aria-label={words.moment}>
        {marked.map(({ label, face }) => (
          <FaceCard key={label} title={label} face={face} />
        ))}
        {!marked.length && <p class="empty">{strings.live.noFace}</p>}
      </section>
      </div>
      {frames.every(({ faces }) => !faces.length) ? (
        <p class="empty">{words.noFace}</p>
      ) : (
        <>
          <Chart label={words.timeline} columns={columns} version={0} onPick={go} />
          <Moments frames={frames} onPick={go} />
        </>
      )}
      <Downloads shown={shown} />
    </>
  );
}

function Moments({ frames, onPick }: { frames: readonly Frame[]; onPick: (time: number) => void }) {
  const moments = useMemo(() => momentsOf(frames), [frames]);
  return (
    <section class="moments">
      <h2>{words.events}</h2>
      <p class="hint">{moments.length ? words.eventsLead : words.none}</p>
      {moments.length > 0 && (
        <table>
          <thead>
            <tr>
              {[words.from, words.until, words.expression, words.strength].map((title) => (
                <th key={title} scope="col">
                  {title}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {moments.map((moment) => (
              <tr key={moment.from}>
                <td>
                  <Button tone="quiet" onClick={() => onPick(moment.from)}>
                    {clock(moment.from)}
                  </Button>
                </td>
                <td>{clock(moment.until)}</td>
                <td>{strings.emotions[moment.emotion]}</td>
                <td>{strings.percent(moment.strength)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </section>
  );
}

function Downloads({ shown }: { shown: Shown }) {
  const { item, job } = shown;
  if (!item || !models.value) return null;
  const known = models.value;
  const stem = shown.name.replace(/\.[^.]*$/, "");
  const json = () => save(`${stem}.json`, "application/json", jsonOf([item], known));
  return (
    <section>
      <h2>{words.downloadsTitle}</h2>
      <div class="controls">
        {job ? (
          Object.entries(job.results).map(([form, url]) => (
            <a key={form} class="button plain" href={url} download>
              {words.downloads[form] ?? form}
            </a>
          ))
        ) : (
          <>
            <Button onClick={json}>{words.downloads.json}</Button>
            <Button onClick={() => save(`${stem}.csv`, "text/csv", csvOf([item]))}>{words.downloads.csv}</Button>
          </>
        )}
        <Button tone="danger" onClick={forgetFilm}>
          {strings.stop}
        </Button>
      </div>
      {!job && <p class="hint">{words.serverOnly}</p>}
    </section>
  );
}

function columnsOf(frames: readonly Frame[]): Columns {
  const first = frames.map(({ faces }) => faces[0]);
  return [
    frames.map(({ time_s }) => time_s),
    ...EMOTIONS.map((name) => first.map((face) => face?.emotions[name] ?? null)),
    first.map((face) => face?.valence ?? null),
  ];
}

/** The last frame at or before a time. */
function nearest(frames: readonly Frame[], time: number): Frame | undefined {
  return frames.findLast(({ time_s }) => time_s <= time + 0.02) ?? frames[0];
}

function clock(seconds: number): string {
  const minutes = Math.floor(seconds / 60);
  return `${minutes}:${(seconds - 60 * minutes).toFixed(1).padStart(4, "0")}`;
}
