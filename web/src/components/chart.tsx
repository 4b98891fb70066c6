/** Series over time: eight probabilities and the valence. */

import { useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { strings } from "../strings";
import { EMOTIONS } from "../vision/labels";

export type Columns = readonly (readonly (number | null)[])[];

interface Props {
  readonly label: string;
  /** Seconds, eight probabilities, valence. */
  readonly columns: Columns;
  /** Changes whenever the columns have. */
  readonly version: number;
  readonly onPick?: (time: number) => void;
  /** The moment that is shown, where moments can be picked. */
  readonly at?: number;
}

const HEIGHT_EM = 13;
/** Seconds that a key moves by. */
const STEPS: Readonly<Record<string, number>> = { ArrowLeft: -1, ArrowRight: 1, PageDown: -10, PageUp: 10 };
const SECONDS = [1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600];

export function Chart({ label, columns, version, onPick, at = 0 }: Props) {
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const pick = useRef(onPick);
  pick.current = onPick;
  useEffect(() => {
    const element = place.current;
    if (!element) return;
    const draw = () => {
      plot.current?.destroy();
      plot.current = new uPlot(options(element, pick), plain(columns), element);
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
  const end = columns[0].at(-1) ?? 0;
  const step = (event: KeyboardEvent) => {
    const by = STEPS[event.key];
    if (by === undefined) return;
    event.preventDefault();
    onPick?.(Math.min(Math.max(at + by, 0), end));
  };
  const slider = onPick && {
    role: "slider" as const,
    tabIndex: 0,
    "aria-label": label,
    "aria-valuemin": 0,
    "aria-valuemax": Math.round(end * 10) / 10,
    "aria-valuenow": Math.round(at * 10) / 10,
    onKeyDown: step,
  };
  return (
    <figure class="chart">
      <figcaption>{label}</figcaption>
      <div ref={place} class={onPick ? "plot pickable" : "plot"} {...slider} />
      <ul class="legend">
        {EMOTIONS.map((name) => (
          <li key={name}>
            <span class={`swatch ${name}`} />
            {strings.emotions[name]}
          </li>
        ))}
        <li>
          <span class="swatch valence" />
          {strings.valence}
        </li>
      </ul>
    </figure>
  );
}

const plain = (columns: Columns) => columns as unknown as uPlot.AlignedData;

function sizeOf(element: HTMLElement) {
  const em = Number.parseFloat(getComputedStyle(element).fontSize);
  return { width: Math.max(element.clientWidth, 100), height: HEIGHT_EM * em };
}

function options(element: HTMLElement, pick: { current?: (time: number) => void }): uPlot.Options {
  const style = getComputedStyle(element);
  const colour = (name: string) => style.getPropertyValue(`--${name}`).trim();
  const font = `${Math.round(Number.parseFloat(style.fontSize) * 0.75)}px ${style.fontFamily}`;
  const axis = { stroke: colour("faint"), grid: { stroke: colour("line"), width: 1 }, ticks: { show: false }, font };
  const line = (name: string): uPlot.Series => ({ stroke: colour(name), width: 2, points: { show: false } });
  return {
    ...sizeOf(element),
    legend: { show: false },
    cursor: { drag: { x: false, y: false }, points: { show: false } },
    scales: { x: { time: false }, share: { range: [0, 1] }, valence: { range: [-1, 1] } },
    axes: [
      { ...axis, incrs: SECONDS, space: 70, size: 40, values: (_, ticks) => ticks.map((tick) => `${tick} s`) },
      { ...axis, scale: "share", values: (_, ticks) => ticks.map((tick) => strings.percent(tick)), size: 64 },
    ],
    series: [
      {},
      ...EMOTIONS.map((name) => ({ ...line(name), scale: "share" })),
      { ...line("valence"), scale: "valence", dash: [6, 5] },
    ],
    hooks: {
      ready: [
        (chart) =>
          chart.over.addEventListener("click", ({ offsetX }) => pick.current?.(chart.posToVal(offsetX, "x"))),
      ],
    },
  };
}
