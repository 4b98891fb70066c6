/** Film: progress, the player with its timeline, moments and downloads. */

import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { Event, Frame } from "../api/types";
import { Chart } from "../components/chart";
import { Alert, Button, Drop, Lead } from "../components/controls";
import { useDroppedFiles, useFocusKept, useNetworks } from "../components/hooks";
import { Framed, Overlay } from "../components/overlay";
import { FaceCard } from "../components/readings";
import { pageNetworks } from "../device/messages";
import { csvOf, eventsCsvOf, jsonOf, save } from "../download";
import { eventsOf } from "../events";
import { doing, type Film as Shown, film, forgetFilm, openFilm } from "../live/film";
import { type Columns, lastBefore } from "../series";
import { models, place } from "../state";
import { strings } from "../strings";
import { EMOTIONS } from "../vision/labels";

const words = strings.film;

export function Film() {
  const shown = film.value;
  const [remark, setRemark] = useState("");
  const open = ([file, ...more]: File[]) => {
    setRemark(more.length ? words.onlyOne(file.name) : "");
    void openFilm(file);
  };
  const over = useDroppedFiles(shown && shown.stage !== "failed" ? () => setRemark(words.stopFirst) : open);
  useNetworks();
  useFocusKept(shown?.stage, ".alert button", ".progress button", ".film video", "input[type=file]");
  return (
    <>
      <Lead title={words.title}>{words.lead}</Lead>
      {shown && remark && <Alert>{remark}</Alert>}
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
      {shown && doing.value && <Progress shown={shown} title={words[doing.value]} />}
      {shown?.stage === "done" && shown.item && <FilmResult shown={shown} frames={shown.item.frames} />}
    </>
  );
}

function Failure({ shown }: { shown: Shown }) {
  const actions = (
    <span class="actions">
      <Button onClick={() => openFilm(shown.file)}>{strings.retry}</Button>
      <Button onClick={forgetFilm}>{words.another}</Button>
    </span>
  );
  return <Alert action={actions}>{shown.problem}</Alert>;
}

function Progress({ shown, title }: { shown: Shown; title: string }) {
  return (
    <section class="progress" aria-label={title}>
      <p>
        {title}: {shown.file.name}
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
  const [player, setPlayer] = useState<"own" | "drawn" | "none">("own");
  const tracks = useMemo(() => tracksOf(frames), [frames]);
  const [track, setTrack] = useState(tracks[0]);
  const columns = useMemo(() => columnsOf(frames, track), [frames, track]);
  const events = useMemo(() => shown.events ?? eventsOf(frames), [shown.events, frames]);
  const times = useMemo(() => frames.map(({ time_s }) => time_s), [frames]);
  const go = (to: number) => {
    if (video.current) video.current.currentTime = Math.max(to, 0);
    setTime(to);
  };
  usePlayed(video, setTime);
  const current = frames[lastBefore(times, time)];
  const { width, height } = shown.item ?? {};
  // If the browser cannot play the film, it plays the annotated copy of the server.
  const drawn = player === "drawn" ? shown.job?.results.film : undefined;
  const fail = () => setPlayer(player === "own" && shown.job?.results.film ? "drawn" : "none");
  const marked = (current?.faces ?? []).map((face, index) => ({
    number: face.track_id ?? index + 1,
    face,
  }));
  // Memoised: unchanged while the film plays, however many events there are.
  const list = useMemo(() => <Events events={events} onPick={go} />, [events]);
  return (
    <>
      {shown.warning && <Alert>{shown.warning}</Alert>}
      {shown.problem && <Alert>{shown.problem}</Alert>}
      {player !== "own" && <Alert>{words.cannotPlay[player]}</Alert>}
      <div class="stage">
        <section class="view">
          {player !== "none" && (
            <Framed kind="film" aspect={width && height ? width / height : undefined}>
              <video
                ref={video}
                src={drawn ?? shown.url}
                controls
                playsInline
                aria-label={shown.file.name}
                onError={fail}
                onLoadedMetadata={({ currentTarget }) => currentTarget.videoWidth || fail()}
              />
              {!drawn && width && height && <Overlay width={width} height={height} marked={marked} />}
            </Framed>
          )}
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
      <Button tone="quiet" aria-label={words.goTo(strings.clock(time))} onClick={() => onPick(time)}>
        {strings.clock(time)}
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
        <Button tone="danger" onClick={forgetFilm}>
          {strings.stop}
        </Button>
      </div>
      {where === "browser" && <p class="hint">{words.serverOnly}</p>}
    </section>
  );
}

/** Report the time of each frame shown, or a few times a second if the browser cannot tell. */
function usePlayed(player: { readonly current: HTMLVideoElement | null }, tell: (time: number) => void): void {
  useEffect(() => {
    const video = player.current;
    if (!video) return;
    const stop = new AbortController();
    const { signal } = stop;
    const update = () => tell(video.currentTime);
    video.addEventListener("seeked", update, { signal });
    if (typeof video.requestVideoFrameCallback !== "function") video.addEventListener("timeupdate", update, { signal });
    const shown = (_: number, { mediaTime }: VideoFrameCallbackMetadata) => {
      if (signal.aborted) return;
      tell(mediaTime);
      video.requestVideoFrameCallback(shown);
    };
    video.requestVideoFrameCallback?.(shown);
    return () => stop.abort();
  }, []);
}

/** Track ids, by decreasing time in view. */
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
