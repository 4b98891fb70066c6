/** Chart of the eight probabilities and the valence over time. */

import { useEffect, useRef, useState } from "preact/hooks";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { type Columns, indexAt, isolated } from "../series";
import { strings } from "../strings";
import { EMOTIONS, type Emotion } from "../vision/labels";

interface Props {
  readonly label: string;
  /** Times in seconds, eight probabilities, valence. */
  readonly columns: Columns;
  /** Changes whenever the content of the columns does. */
  readonly version: number;
  readonly onPick?: (time: number) => void;
  /** The time that is shown, if times can be picked. */
  readonly at?: number;
}

const HEIGHT_EM = 13;
/** Steps of the keys of the slider, in seconds. */
const KEY_STEPS_S: Readonly<Record<string, number>> = {
  ArrowLeft: -1,
  ArrowDown: -1,
  ArrowRight: 1,
  ArrowUp: 1,
  PageDown: -10,
  PageUp: 10,
  Home: Number.NEGATIVE_INFINITY,
  End: Number.POSITIVE_INFINITY,
};
const TICK_STEPS_S = [1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600];
/** Dash patterns in pixels, so that lines differ not only in colour. */
const DASHES: Readonly<Record<Emotion, readonly number[]>> = {
  neutral: [],
  happiness: [14, 3],
  surprise: [7, 3],
  sadness: [2, 3],
  anger: [14, 3, 2, 3],
  disgust: [7, 3, 2, 3],
  fear: [14, 3, 2, 3, 2, 3],
  contempt: [2, 7],
};

export function Chart({ label, columns, version, onPick, at }: Props) {
  const [container, pointed, setPointed] = usePlot({ columns, version, onPick, at });
  const [times] = columns as readonly number[][];
  const shown = Math.min(pointed ?? (at === undefined ? times.length - 1 : indexAt(times, at)), times.length - 1);
  const time = pointed === null && at !== undefined ? at : (times[shown] ?? 0);
  const end = times.at(-1) ?? 0;
  const onKeyDown = (event: KeyboardEvent) => {
    const by = KEY_STEPS_S[event.key];
    if (by === undefined) return;
    event.preventDefault();
    setPointed(null);
    onPick?.(Math.min(Math.max((at ?? 0) + by, 0), end));
  };
  const slider = onPick && {
    role: "slider" as const,
    tabIndex: 0,
    "aria-label": label,
    "aria-valuemin": 0,
    "aria-valuemax": Math.round(end * 10) / 10,
    "aria-valuenow": Math.round(time * 10) / 10,
    "aria-valuetext": sentenceOf(columns, shown, time),
    onKeyDown,
  };
  const image = { role: "img" as const, "aria-label": `${label}: ${sentenceOf(columns, shown, time)}` };
  return (
    <figure class="chart">
      <figcaption>
        <span>{label}</span>
        <span class="moment">{strings.clock(time)}</span>
      </figcaption>
      <div ref={container} class={onPick ? "plot pickable" : "plot"} {...(slider ?? image)} />
      <Legend columns={columns} index={shown} />
    </figure>
  );
}

/** The uPlot chart in a container, and the index that is pointed at. */
function usePlot({ columns, version, onPick, at }: Omit<Props, "label">) {
  const container = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const pick = useRef(onPick);
  pick.current = onPick;
  const shownTime = useRef(at);
  shownTime.current = at;
  const [pointed, setPointed] = useState<number | null>(null);
  useEffect(() => {
    const element = container.current;
    if (!element) return;
    const draw = () => {
      plot.current?.destroy();
      plot.current = new uPlot(options(element, pick, shownTime, setPointed), plain(columns), element);
    };
    draw();
    const resized = new ResizeObserver(() => plot.current?.setSize(sizeOf(element)));
    resized.observe(element);
    const theme = matchMedia("(prefers-color-scheme: dark)");
    theme.addEventListener("change", draw);
    return () => {
      resized.disconnect();
      theme.removeEventListener("change", draw);
      plot.current?.destroy();
      plot.current = null;
    };
  }, [columns]);
  useEffect(() => plot.current?.setData(plain(columns)), [version]);
  useEffect(() => {
    if (plot.current) movePlayhead(plot.current, at);
  }, [at]);
  return [container, pointed, setPointed] as const;
}

/** The legend, with the values at the time that is pointed at or shown. */
function Legend({ columns, index }: { columns: Columns; index: number }) {
  return (
    <ul class="legend">
      {EMOTIONS.map((name, k) => (
        <li key={name}>
          <Swatch name={name} dash={DASHES[name]} />
          {strings.emotions[name]} <Value value={columns[k + 1][index]} write={strings.percent} />
        </li>
      ))}
      <li>
        <Swatch name="valence" dash={[]} />
        {strings.valence} <Value value={columns[EMOTIONS.length + 1][index]} write={strings.signed} />
      </li>
    </ul>
  );
}

function Swatch({ name, dash }: { name: string; dash: readonly number[] }) {
  return (
    <svg class={`swatch ${name}`} viewBox="0 0 34 6" aria-hidden="true">
      <line x1="0" y1="3" x2="34" y2="3" stroke-dasharray={dash.join(" ")} />
    </svg>
  );
}

function Value({ value, write }: { value: number | null | undefined; write: (value: number) => string }) {
  return <span class="value">{value === null || value === undefined ? "–" : write(value)}</span>;
}

function sentenceOf(columns: Columns, index: number, time: number): string {
  const values = EMOTIONS.map((_, k) => columns[k + 1][index] ?? 0);
  const max = Math.max(...values);
  const top = strings.emotions[EMOTIONS[values.indexOf(max)]];
  return `${strings.clock(time)}, ${max > 0 ? `${top} ${strings.percent(max)}` : strings.live.noFace}`;
}

const plain = (columns: Columns) => columns as unknown as uPlot.AlignedData;

function sizeOf(element: HTMLElement) {
  const em = Number.parseFloat(getComputedStyle(element).fontSize);
  return { width: Math.max(element.clientWidth, 100), height: HEIGHT_EM * em };
}

function options(
  element: HTMLElement,
  pick: { current?: (time: number) => void },
  shownTime: { current?: number },
  onPoint: (index: number | null) => void,
): uPlot.Options {
  const style = getComputedStyle(element);
  const colour = (name: string) => style.getPropertyValue(`--${name}`).trim();
  const em = Number.parseFloat(style.fontSize);
  const font = `${Math.round(em * 0.75)}px ${style.fontFamily}`;
  const points: uPlot.Series.Points = {
    show: false,
    size: 5,
    filter: ({ data }, index) => isolated(data[index] as (number | null)[]),
  };
  const line = (name: string): uPlot.Series => ({ stroke: colour(name), width: 2, points });
  return {
    ...sizeOf(element),
    legend: { show: false },
    cursor: { y: false, drag: { x: false, y: false }, points: { show: false } },
    scales: {
      // For a single point, uPlot would choose a range of a hundred seconds.
      x: { time: false, range: ({ data: [x] }, from, to) => (x.length === 1 ? [x[0], x[0] + 1] : [from, to]) },
      share: { range: [0, 1] },
      valence: { range: [-1, 1] },
    },
    axes: axesOf(colour, em, font),
    series: [
      {},
      ...EMOTIONS.map((name) => ({ ...line(name), scale: "share", dash: [...DASHES[name]] })),
      { ...line("valence"), scale: "valence", width: 3 },
    ],
    hooks: {
      ready: [
        ({ over, posToVal }) => {
          over.append(Object.assign(document.createElement("div"), { className: "playhead" }));
          over.addEventListener("click", ({ offsetX }) => {
            if (!pick.current) return;
            pick.current(posToVal(offsetX, "x"));
            // From here on, show the time that was picked, not the one under the pointer.
            onPoint(null);
          });
        },
      ],
      setCursor: [(chart) => onPoint(chart.cursor.idx ?? null)],
      draw: [(chart) => movePlayhead(chart, shownTime.current)],
    },
  };
}

function axesOf(colour: (name: string) => string, em: number, font: string): uPlot.Axis[] {
  const axis = { stroke: colour("faint"), grid: { stroke: colour("line"), width: 1 }, ticks: { show: false }, font };
  return [
    {
      ...axis,
      incrs: TICK_STEPS_S,
      space: 4.5 * em,
      size: 2.2 * em,
      values: (_, ticks) => ticks.map((tick) => strings.seconds(tick)),
    },
    { ...axis, scale: "share", size: 3.2 * em, values: (_, ticks) => ticks.map((tick) => strings.percent(tick)) },
    {
      ...axis,
      scale: "valence",
      side: 1,
      size: 2.6 * em,
      grid: { show: false },
      stroke: colour("valence"),
      label: strings.valence,
      labelFont: font,
      labelSize: 1.3 * em,
      values: (_, ticks) => ticks.map((tick) => strings.signed(tick, 1)),
    },
  ];
}

/** Move the playhead to the time shown, without redrawing the chart, which would be slow. */
function movePlayhead({ over, valToPos }: uPlot, time: number | undefined): void {
  const playhead = over.querySelector<HTMLElement>(".playhead");
  if (!playhead) return;
  const left = time === undefined ? -1 : valToPos(time, "x");
  playhead.hidden = !(left >= 0 && left <= over.clientWidth);
  playhead.style.transform = `translateX(${left}px)`;
}
