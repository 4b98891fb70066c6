/** Live: the camera, its faces and their readings over time. */

import { useEffect, useRef, useState } from "preact/hooks";
import { Chart } from "../components/chart";
import { Notice } from "../components/consent";
import { Alert, Button, Lead } from "../components/controls";
import { useFocusFallback, useNetworks } from "../components/hooks";
import { Framed, Overlay } from "../components/overlay";
import { FaceCard } from "../components/readings";
import { agree, agreedTo } from "../consent";
import { save } from "../download";
import { visibleFaces } from "../live/tracks";
import { type Phase, watch } from "../live/watch";
import { models, place } from "../state";
import { strings } from "../strings";
import { EMOTIONS } from "../vision/labels";

const words = strings.live;

export function Live() {
  const video = useRef<HTMLVideoElement>(null);
  const [asking, setAsking] = useState(false);
  const phase = watch.phase.value;
  const open = watch.opened.value;
  const mirrored = watch.mirrored.value;
  const { width, height } = watch.size.value;
  useEffect(() => () => watch.close(), []);
  const consent = models.value?.consent;
  useNetworks();
  useFocusFallback(phase, ".view select, .view button");
  const start = () => {
    if (!consent) return;
    if (agreedTo(consent.version, place.value)) void watch.open(video.current as HTMLVideoElement);
    else setAsking(true);
  };
  return (
    <>
      <Lead title={words.title}>{!open && words.lead}</Lead>
      {asking && consent && (
        <Notice
          notice={consent}
          onCancel={() => setAsking(false)}
          onAgree={() => {
            agree(consent.version, place.value);
            setAsking(false);
            start();
          }}
        />
      )}
      {watch.problem.value && (
        <Alert action={phase === "lost" && <Button onClick={start}>{strings.retry}</Button>}>{watch.problem.value}</Alert>
      )}
      <div class="stage">
        <section class="view">
          <Framed kind={open ? "on" : "off"} aspect={open ? width / height : undefined}>
            <video
              ref={video}
              class={mirrored ? "preview mirrored" : "preview"}
              muted
              playsInline
              aria-label={words.preview(mirrored)}
            />
            <Overlay width={width} height={height} mirrored={mirrored} marked={marked()} />
            {!open && <Curtain waiting={WAITING[phase]} ready={!!consent} onOpen={start} />}
          </Framed>
          {open && <Controls />}
        </section>
        {open && <Readings />}
      </div>
      {open && <Chart label={words.chart(watch.tracks.value[0]?.id)} columns={watch.session.columns} version={watch.chartVersion.value} />}
    </>
  );
}

const marked = () => watch.tracks.value.map(({ id, face }) => ({ number: id, face }));

/** What is awaited in a phase. */
const WAITING: Partial<Record<Phase, string>> = { loading: strings.loadingModels, opening: words.opening };

function Curtain({ waiting, ready, onOpen }: { waiting?: string; ready: boolean; onOpen: () => void }) {
  return (
    <div class="curtain">
      {waiting ? (
        <p role="status">{waiting}</p>
      ) : (
        <>
          <Button tone="primary" disabled={!ready} onClick={onOpen}>
            {words.open}
          </Button>
          <p class="hint">{words.empty}</p>
        </>
      )}
    </div>
  );
}

function Controls() {
  const phase = watch.phase.value;
  const { perSecond, delay } = watch.pace.value;
  return (
    <div class="controls">
      {watch.devices.value.length > 1 && (
        <label class="field">
          {words.camera}
          <select value={watch.camera.value} onChange={(event) => watch.reopen(event.currentTarget.value)}>
            {watch.devices.value.map(({ deviceId, label }, number) => (
              <option key={deviceId} value={deviceId}>
                {label || `${words.camera} ${number + 1}`}
              </option>
            ))}
          </select>
        </label>
      )}
      {phase !== "lost" && (
        <Button onClick={() => watch.togglePause()}>{phase === "paused" ? words.resume : words.pause}</Button>
      )}
      <Button onClick={saveReadings}>{words.save}</Button>
      <p class="hint pace">{words.rate(perSecond, delay)}</p>
    </div>
  );
}

function Readings() {
  const tracks = watch.tracks.value;
  const { session } = watch;
  return (
    <section class="readings" aria-label={words.now}>
      <dl class="sentiment">
        <dt>{words.now}</dt>
        <dd>{tracks[0] ? strings.sentiments[tracks[0].face.sentiment] : "–"}</dd>
        <dt>{words.session}</dt>
        <dd class="shares">
          {(["positive", "neutral", "negative"] as const).map((name) => (
            <span key={name} class={`chip ${name}`}>
              {strings.sentiments[name]} {shareOf(session.share(name))}
            </span>
          ))}
        </dd>
      </dl>
      {tracks.map(({ id, face }) => (
        <FaceCard key={id} title={strings.face(id)} face={face} />
      ))}
      {!tracks.length && !watch.problem.value && (
        <div class="empty">
          <p>{words.noFace}</p>
          <p class="hint">{words.noFaceHint}</p>
        </div>
      )}
    </section>
  );
}

const shareOf = (share: number | null) => (share === null ? "–" : strings.percent(share));

/** Save the current readings and, as the chart shows it, the last minute, without the picture. */
function saveReadings(): void {
  const { columns, seconds: session_seconds } = watch.session;
  const names = ["seconds", ...EMOTIONS, "valence"];
  const last_minute = Object.fromEntries(names.map((name, k) => [name, columns[k]]));
  const faces = visibleFaces(watch.tracks.value);
  const content = { time: new Date().toISOString(), faces, session_seconds, last_minute };
  save("mien-live.json", "application/json", JSON.stringify(content, null, 2));
}
