/** Film: progress, then the player with its timeline, events and downloads. */

import type { RefObject } from "preact";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { Event, Frame } from "../api/types";
import { Chart } from "../components/chart";
import { Alert, Button, Drop, Lead } from "../components/controls";
import { useDroppedFiles, useFocusFallback, useNetworks } from "../components/hooks";
import { Framed, type Marked, Overlay } from "../components/overlay";
import { FaceCard } from "../components/readings";
import { pageNetworks } from "../device/messages";
import { csvOf, eventsCsvOf, jsonOf, save } from "../download";
import { eventsOf } from "../events";
import { activeStage, type Film as Shown, film, forgetFilm, openFilm } from "../live/film";
import { changePlace } from "../live/watch";
import { type Columns, indexAt } from "../series";
import { models, place } from "../state";
import { strings } from "../strings";
import { EMOTIONS } from "../vision/labels";

const words = strings.film;

export function Film() {
  const shown = film.value;
  const [message, setMessage] = useState("");
  const open = ([file, ...more]: File[]) => {
    setMessage(more.length ? words.onlyOne(file.name) : "");
    void openFilm(file);
  };
  const over = useDroppedFiles(shown && shown.stage !== "failed" ? () => setMessage(words.stopFirst) : open);
  useNetworks();
  useFocusFallback(shown?.stage, ".alert button", ".progress button", ".film video", "input[type=file]");
  return (
    <>
      <Lead title={words.title}>{!shown && words.lead}</Lead>
      {shown && message && <Alert>{message}</Alert>}
      {!shown && (
        <Drop
          title={words.drop}
          choose={words.choose}
          hint={place.value === "server" ? words.hint : words.hintBrowser}
          accept="video/*,.mkv,image/gif,image/webp,image/apng,image/avif"
          over={over}
          onFiles={open}
        />
      )}
      {shown?.stage === "failed" && <Failure shown={shown} />}
      {shown && activeStage.value && <Progress shown={shown} title={words[activeStage.value]} />}
      {shown?.stage === "done" && shown.item && <FilmResult shown={shown} frames={shown.item.frames} />}
    </>
  );
}

function Failure({ shown }: { shown: Shown }) {
  const actions = (
    <span class="actions">
      <Button onClick={() => openFilm(shown.file)}>{strings.retry}</Button>
      {shown.where === "browser" && place.value === "browser" && (
        <Button onClick={() => openOnServer(shown.file)}>{words.onServer}</Button>
      )}
      <Button onClick={forgetFilm}>{words.another}</Button>
    </span>
  );
  return <Alert action={actions}>{shown.problem}</Alert>;
}

function openOnServer(file: File): void {
  void changePlace("server");
  void openFilm(file);
}

function Progress({ shown, title }: { shown: Shown; title: string }) {
  return (
    <section class="progress" aria-label={title}>
      <p>
        {title}: {shown.file.name}
      </p>
      <progress aria-label={title} value={shown.progress ?? undefined} max={1} />
      <p class="hint">{shown.note}</p>
      <Button onClick={forgetFilm}>{words.cancel}</Button>
    </section>
  );
}

function FilmResult({ shown, frames }: { shown: Shown; frames: readonly Frame[] }) {
  const video = useRef<HTMLVideoElement>(null);
  const [time, setTime] = useState(0);
  const [player, setPlayer] = useState<"original" | "annotated" | "none">("original");
  const tracks = useMemo(() => tracksOf(frames), [frames]);
  const [track, setTrack] = useState(tracks[0]);
  const columns = useMemo(() => columnsOf(frames, track), [frames, track]);
  const events = useMemo(() => shown.events ?? eventsOf(frames), [shown.events, frames]);
  const times = useMemo(() => frames.map(({ time_s }) => time_s), [frames]);
  const go = (to: number) => {
    if (video.current) video.current.currentTime = Math.max(to, 0);
    setTime(to);
  };
  usePlayerTime(video, setTime);
  const current = frames[indexAt(times, time)];
  // If the browser cannot play the film, the annotated copy of the server is played.
  const annotated = player === "annotated" ? shown.job?.results.film : undefined;
  const onFail = () => setPlayer(player === "original" && shown.job?.results.film ? "annotated" : "none");
  const marked = (current?.faces ?? []).map((face, index) => ({ number: face.track_id ?? index + 1, face }));
  // Memoised: there may be many events, and they do not change while the film plays.
  const pick = (to: number, id: number) => {
    setTrack(id);
    go(to);
    document.querySelector(".stage")?.scrollIntoView({ block: "start" });
  };
  const list = useMemo(() => <Events events={events} onPick={pick} />, [events]);
  return (
    <>
      <h2 class="file">{shown.file.name}</h2>
      {shown.warning && <Alert>{shown.warning}</Alert>}
      {shown.problem && <Alert>{shown.problem}</Alert>}
      {player !== "original" && <Alert>{words.cannotPlay[player]}</Alert>}
      <div class="stage">
        <section class="view">
          {player !== "none" && <Player {...{ shown, video, annotated, marked, onFail }} />}
          {tracks.length > 1 && <Tracks tracks={tracks} track={track} onChange={setTrack} />}
          {tracks.length > 0 && <Chart label={words.timeline} columns={columns} version={0} at={time} onPick={go} />}
        </section>
        <section class="readings" aria-label={words.moment}>
          {marked.map(({ number, face }) => (
            <FaceCard key={number} title={strings.face(number)} face={face} />
          ))}
          {!marked.length && <p class="empty">{strings.live.noFace}</p>}
        </section>
      </div>
      {tracks.length ? list : <p class="empty">{words.noFace}</p>}
      <Downloads shown={shown} events={events} />
    </>
  );
}

function Player(props: {
  shown: Shown;
  video: RefObject<HTMLVideoElement | null>;
  annotated?: string;
  marked: readonly Marked[];
  onFail: () => void;
}) {
  const { shown, video, annotated, marked, onFail } = props;
  const { width, height } = shown.item ?? {};
  return (
    <Framed kind="film" aspect={width && height ? width / height : undefined}>
      <video
        ref={video}
        src={annotated ?? shown.url}
        controls
        playsInline
        aria-label={shown.file.name}
        onError={onFail}
        onLoadedMetadata={({ currentTarget }) => currentTarget.videoWidth || onFail()}
      />
      {!annotated && width && height && <Overlay width={width} height={height} marked={marked} />}
    </Framed>
  );
}

function Tracks(props: { tracks: readonly number[]; track: number; onChange: (track: number) => void }) {
  return (
    <label class="field narrow">
      {words.timelineOf}
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

function Events({ events, onPick }: { events: readonly Event[]; onPick: (time: number, id: number) => void }) {
  const moment = (time: number, id: number) => (
    <td>
      <Button tone="quiet" aria-label={words.goTo(strings.clock(time))} onClick={() => onPick(time, id)}>
        {strings.clock(time)}
      </Button>
    </td>
  );
  return (
    <section class="moments">
      <h2>{words.events}</h2>
      <p class="hint">{words.eventsLead}</p>
      {!events.length && <p>{words.noEvents}</p>}
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
                  {moment(event.onset_s, event.track_id)}
                  {moment(event.apex_s, event.track_id)}
                  {moment(event.offset_s, event.track_id)}
                  <td>{strings.seconds(event.duration_s, 2)}</td>
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
  const { item, job, where } = shown;
  if (!item || !models.value) return null;
  const networks = where === "server" ? models.value.models : pageNetworks(models.value);
  const stem = shown.file.name.replace(/\.[^.]*$/, "");
  const json = () => save(`${stem}.json`, "application/json", jsonOf([item], networks));
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
        <Button onClick={forgetFilm}>{words.another}</Button>
      </div>
      {where === "browser" && <p class="hint">{words.serverOnly}</p>}
    </section>
  );
}

/** Report the time of each frame shown, or a few times a second without frame callbacks. */
function usePlayerTime(player: { readonly current: HTMLVideoElement | null }, onTime: (time: number) => void): void {
  useEffect(() => {
    const video = player.current;
    if (!video) return;
    const stop = new AbortController();
    const { signal } = stop;
    const update = () => onTime(video.currentTime);
    video.addEventListener("seeked", update, { signal });
    if (typeof video.requestVideoFrameCallback !== "function") video.addEventListener("timeupdate", update, { signal });
    const shown = (_: number, { mediaTime }: VideoFrameCallbackMetadata) => {
      if (signal.aborted) return;
      onTime(mediaTime);
      video.requestVideoFrameCallback(shown);
    };
    video.requestVideoFrameCallback?.(shown);
    return () => stop.abort();
  }, []);
}

/** Track ids, by decreasing number of frames. */
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
