/** Film: progress, the player with its timeline, moments and downloads. */

import { useMemo, useRef, useState } from "preact/hooks";
import type { Event, Frame } from "../api/types";
import { Chart, type Columns } from "../components/chart";
import { Alert, Button, Drop, Lead } from "../components/controls";
import { Overlay } from "../components/overlay";
import { FaceCard } from "../components/readings";
import { csvOf, eventsCsvOf, jsonOf, save } from "../download";
import { eventsOf } from "../events";
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
      <p class="hint">{shown.note}</p>
      <Button onClick={forgetFilm}>{words.cancel}</Button>
    </section>
  );
}

function FilmResult({ shown, frames }: { shown: Shown; frames: readonly Frame[] }) {
  const video = useRef<HTMLVideoElement>(null);
  const [time, setTime] = useState(0);
  const [playable, setPlayable] = useState(true);
  const tracks = useMemo(() => tracksOf(frames), [frames]);
  const [track, setTrack] = useState(tracks[0]);
  const columns = useMemo(() => columnsOf(frames, track), [frames, track]);
  const events = useMemo(() => shown.job?.events ?? eventsOf(frames), [shown.job, frames]);
  const go = (to: number) => {
    if (video.current) video.current.currentTime = Math.max(to, 0);
    setTime(to);
  };
  const current = nearest(frames, time);
  const { width, height } = shown.item ?? {};
  const marked = (current?.faces ?? []).map((face, number) => ({
    label: strings.face(face.track_id ?? number + 1),
    face,
  }));
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
      {tracks.length ? (
        <>
          {tracks.length > 1 && <Tracks tracks={tracks} track={track} onChange={setTrack} />}
          <Chart label={words.timeline} columns={columns} version={0} at={time} onPick={go} />
          <Events events={events} onPick={go} />
        </>
      ) : (
        <p class="empty">{words.noFace}</p>
      )}
      <Downloads shown={shown} events={events} />
    </>
  );
}

function Tracks(props: { tracks: readonly number[]; track: number; onChange: (track: number) => void }) {
  return (
    <label class="field narrow">
      {words.whose}
      <select value={props.track} onChange={(event) => props.onChange(Number(event.currentTarget.value))}>
        {props.tracks.map((id) => (
          <option key={id} value={id}>
            {strings.face(id)}
          </option>
        ))}
      </select>
    </label>
  );
}

function Events({ events, onPick }: { events: readonly Event[]; onPick: (time: number) => void }) {
  const moment = (time: number) => (
    <td>
      <Button tone="quiet" aria-label={words.goTo(clock(time))} onClick={() => onPick(time)}>
        {clock(time)}
      </Button>
    </td>
  );
  return (
    <section class="moments">
      <h2>{words.events}</h2>
      <p class="hint">{words.eventsLead}</p>
      {!events.length && <p>{words.none}</p>}
      {events.length > 0 && (
        <section class="scroll" aria-label={words.events} tabIndex={0}>
          <table>
            <thead>
              <tr>
                {Object.entries(words.columns).map(([name, title]) => (
                  <th key={name} scope="col">
                    {title}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {events.map((event) => (
                <tr key={`${event.track_id} ${event.expression} ${event.onset_s}`}>
                  <td>{event.track_id}</td>
                  <td>{strings.emotions[event.expression]}</td>
                  {moment(event.onset_s)}
                  {moment(event.apex_s)}
                  {moment(event.offset_s)}
                  <td>{event.duration_s.toFixed(2)} s</td>
                  <td>{strings.percent(event.peak)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </section>
      )}
    </section>
  );
}

function Downloads({ shown, events }: { shown: Shown; events: readonly Event[] }) {
  const { item, job } = shown;
  if (!item || !models.value) return null;
  const known = models.value;
  const stem = shown.name.replace(/\.[^.]*$/, "");
  const json = () => save(`${stem}.json`, "application/json", jsonOf([item], known));
  return (
    <section>
      <h2>{words.downloadsTitle}</h2>
      <div class="controls">
        {job?.results.report && (
          <a class="button primary" href={job.results.report} target="_blank" rel="noopener">
            {words.openReport}
          </a>
        )}
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
            <Button onClick={() => save(`${stem}.events.csv`, "text/csv", eventsCsvOf(item.source, events))}>
              {words.downloads.events}
            </Button>
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

/** Track ids, of the face that was seen longest first. */
function tracksOf(frames: readonly Frame[]): number[] {
  const seen = new Map<number, number>();
  for (const { faces } of frames) {
    for (const { track_id: id } of faces) if (id !== null) seen.set(id, (seen.get(id) ?? 0) + 1);
  }
  return [...seen].sort(([a, n], [b, m]) => m - n || a - b).map(([id]) => id);
}

function columnsOf(frames: readonly Frame[], track: number): Columns {
  const one = frames.map(({ faces }) => faces.find(({ track_id: id }) => id === track));
  return [
    frames.map(({ time_s }) => time_s),
    ...EMOTIONS.map((name) => one.map((face) => face?.emotions[name] ?? null)),
    one.map((face) => face?.valence ?? null),
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
