/** Overlays of a picture: boxes, tags and activation maps, in pixels of the picture. */

import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import type { Activation, Face } from "../api/types";
import { strings } from "../strings";
import { type Point, tagsOverlap } from "../vision/geometry";

export interface Marked {
  readonly number: number;
  readonly face: Face;
}

/** The container of a picture and its boxes: as wide as possible while its full height is visible. */
export function Framed(props: { kind: string; aspect?: number; children: ComponentChildren }) {
  const style = props.aspect ? { "--aspect": String(props.aspect) } : undefined;
  return (
    <div class={`picture ${props.kind}`} style={style}>
      {props.children}
    </div>
  );
}

export function Overlay(props: { width: number; height: number; marked: readonly Marked[]; mirrored?: boolean }) {
  const { width, height, marked, mirrored } = props;
  const boxes = marked.map(({ number, face }) => {
    const { box } = face;
    return { number, face, box, x: mirrored ? width - box.x - box.width : box.x };
  });
  // If full tags would overlap, only the numbers are shown.
  const brief = tagsOverlap(boxes.map(({ x, box }): Point => [x / width, box.y / height]));
  return (
    <div class="overlay" aria-hidden="true">
      <svg class="overlay" viewBox={`0 0 ${width} ${height}`} preserveAspectRatio="none">
        {boxes.map(({ number, face, box, x }) => (
          <rect
            key={number}
            class={face.uncertain ? "mark doubtful" : "mark"}
            x={x}
            y={box.y}
            width={box.width}
            height={box.height}
            rx={box.width / 14}
          />
        ))}
      </svg>
      {boxes.map(({ number, box, x }) => (
        <span
          key={number}
          class={brief ? "tag brief" : "tag"}
          style={tagStyle(x / width, box.y / height)}
        >
          {brief ? number : strings.face(number)}
        </span>
      ))}
    </div>
  );
}

/** The position of a tag at a corner, in shares of the picture's size; kept inside its right edge. */
function tagStyle(x: number, y: number) {
  const left = Math.min(Math.max(x, 0), 1);
  const back = Math.max(left - 0.8, 0) / 0.2;
  return { left: `${100 * left}%`, top: `max(${100 * y}%, 1.6rem)`, "--back": `${-100 * back}%` };
}

/** Longest side of the activation overlay in pixels; maps are coarse, photographs may be large. */
const MAX_SIDE = 1280;

/** Activation maps, drawn over their faces. */
export function ActivationMaps(props: { width: number; height: number; maps: readonly Activation[] }) {
  const { width, height, maps } = props;
  const canvas = useRef<HTMLCanvasElement>(null);
  const scale = Math.min(MAX_SIDE / Math.max(width, height), 1);
  useEffect(() => {
    const context = canvas.current?.getContext("2d");
    if (!context) return;
    context.setTransform(scale, 0, 0, scale, 0, 0);
    context.clearRect(0, 0, width, height);
    for (const map of maps) paint(context, map);
  }, [width, height, maps]);
  return <canvas ref={canvas} class="overlay" width={width * scale} height={height * scale} aria-hidden="true" />;
}

function paint(context: CanvasRenderingContext2D, map: Activation): void {
  const small = new OffscreenCanvas(map.columns, map.rows);
  const grid = small.getContext("2d");
  if (!grid) return;
  const low = Math.min(...map.values);
  const span = Math.max(...map.values) - low || 1;
  const pixels = grid.createImageData(map.columns, map.rows);
  map.values.forEach((value, i) => {
    pixels.data.set([255, 120, 0, Math.round((190 * (value - low)) / span)], i * 4);
  });
  grid.putImageData(pixels, 0, 0);
  const [topLeft, topRight, , bottomLeft] = map.corners;
  context.save();
  context.transform(
    (topRight[0] - topLeft[0]) / map.columns,
    (topRight[1] - topLeft[1]) / map.columns,
    (bottomLeft[0] - topLeft[0]) / map.rows,
    (bottomLeft[1] - topLeft[1]) / map.rows,
    topLeft[0],
    topLeft[1],
  );
  context.imageSmoothingQuality = "high";
  context.drawImage(small, 0, 0);
  context.restore();
}
