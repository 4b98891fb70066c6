/** Grey images and their resampling, as by OpenCV on the server. */

import { clamp } from "./geometry";

export interface Grey {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array;
}

/** Luma (ITU-R BT.601) of RGBA pixels. */
export function luma(rgba: Uint8ClampedArray, width: number, height: number): Grey {
  const data = new Uint8Array(width * height);
  for (let i = 0, j = 0; i < data.length; i++, j += 4) {
    data[i] = (rgba[j] * 4899 + rgba[j + 1] * 9617 + rgba[j + 2] * 1868 + 8192) >> 14;
  }
  return { width, height, data };
}

/** Round half to even, as Python does. */
export function roundEven(value: number): number {
  const floor = Math.floor(value);
  if (value - floor !== 0.5) return Math.round(value);
  return floor % 2 === 0 ? floor : floor + 1;
}

/** Filter taps of one axis: for each output pixel, the first input pixel and up to `maxCount` weights. */
interface Taps {
  readonly first: Int32Array;
  readonly count: Int32Array;
  readonly weights: Float32Array;
  readonly maxCount: number;
}

function areaTaps(from: number, to: number): Taps {
  const ratio = from / to;
  const maxCount = Math.ceil(ratio) + 1;
  const taps = emptyTaps(to, maxCount);
  for (let i = 0; i < to; i++) {
    const low = i * ratio;
    const high = Math.min(low + ratio, from);
    const first = Math.floor(low + 1e-9);
    let count = 0;
    for (let j = first; j < high - 1e-9; j++) {
      taps.weights[i * maxCount + count++] = (Math.min(j + 1, high) - Math.max(j, low)) / (high - low);
    }
    taps.first[i] = first;
    taps.count[i] = count;
  }
  return taps;
}

function linearTaps(from: number, to: number): Taps {
  const taps = emptyTaps(to, 2);
  for (let i = 0; i < to; i++) {
    const place = clamp(((i + 0.5) * from) / to - 0.5, 0, from - 1);
    const first = Math.min(Math.floor(place), Math.max(from - 2, 0));
    taps.first[i] = first;
    taps.count[i] = Math.min(2, from);
    taps.weights[i * 2] = from > 1 ? 1 - (place - first) : 1;
    taps.weights[i * 2 + 1] = place - first;
  }
  return taps;
}

function emptyTaps(to: number, maxCount: number): Taps {
  return { first: new Int32Array(to), count: new Int32Array(to), weights: new Float32Array(to * maxCount), maxCount };
}

/** Resize: area averaging to shrink, bilinear interpolation to enlarge. */
export function resize(picture: Grey, width: number, height: number): Grey {
  if (width === picture.width && height === picture.height) return picture;
  const tapsOf = width < picture.width || height < picture.height ? areaTaps : linearTaps;
  const horizontal = tapsOf(picture.width, width);
  const vertical = tapsOf(picture.height, height);
  const rows = new Float32Array(width * picture.height);
  for (let y = 0; y < picture.height; y++) {
    for (let x = 0; x < width; x++) {
      let sum = 0;
      const start = y * picture.width + horizontal.first[x];
      for (let k = 0; k < horizontal.count[x]; k++) {
        sum += picture.data[start + k] * horizontal.weights[x * horizontal.maxCount + k];
      }
      rows[y * width + x] = sum;
    }
  }
  const data = new Uint8Array(width * height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      let sum = 0;
      for (let k = 0; k < vertical.count[y]; k++) {
        sum += rows[(vertical.first[y] + k) * width + x] * vertical.weights[y * vertical.maxCount + k];
      }
      data[y * width + x] = clamp(Math.round(sum), 0, 255);
    }
  }
  return { width, height, data };
}

/** A region of an image; right and bottom are exclusive. */
export function crop(picture: Grey, left: number, top: number, right: number, bottom: number): Grey {
  const width = right - left;
  const height = bottom - top;
  const data = new Uint8Array(width * height);
  for (let y = 0; y < height; y++) {
    const start = (top + y) * picture.width + left;
    data.set(picture.data.subarray(start, start + width), y * width);
  }
  return { width, height, data };
}

/** The horizontally mirrored image. */
export function mirrored({ width, height, data }: Grey): Grey {
  return { width, height, data: data.map((_, i) => data[i + width - 1 - 2 * (i % width)]) };
}

/** Stack images of one size: (n, 1, height, width). */
export function toBatch(pictures: readonly Grey[]): Float32Array {
  const area = pictures[0].data.length;
  const batch = new Float32Array(pictures.length * area);
  pictures.forEach(({ data }, index) => batch.set(data, index * area));
  return batch;
}
