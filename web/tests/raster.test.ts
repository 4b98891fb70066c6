import { expect, it } from "vitest";
import { crop, luma, mirrored, resize, roundEven, toBatch } from "../src/vision/raster";

it("computes BT.601 luma", () => {
  const pixels = new Uint8ClampedArray([255, 255, 255, 255, 255, 0, 0, 255, 0, 255, 0, 255, 0, 0, 255, 255]);
  expect(Array.from(luma(pixels, 4, 1).data)).toEqual([255, 76, 150, 29]);
});

it("shrinks by area averaging, at whole and fractional ratios", () => {
  const grey = { width: 4, height: 2, data: Uint8Array.of(0, 10, 20, 30, 10, 20, 30, 40) };
  expect(Array.from(resize(grey, 2, 1).data)).toEqual([10, 30]);
  const odd = { width: 3, height: 1, data: Uint8Array.of(0, 90, 180) };
  expect(Array.from(resize(odd, 2, 1).data)).toEqual([30, 150]);
});

it("enlarges by bilinear interpolation between pixel centres", () => {
  const grey = { width: 2, height: 1, data: Uint8Array.of(0, 100) };
  expect(Array.from(resize(grey, 4, 1).data)).toEqual([0, 25, 75, 100]);
});

it("crops, and rounds half to even", () => {
  const grey = { width: 3, height: 2, data: Uint8Array.of(1, 2, 3, 4, 5, 6) };
  expect(Array.from(crop(grey, 1, 0, 3, 2).data)).toEqual([2, 3, 5, 6]);
  expect([0.5, 1.5, 2.5, 2.4].map(roundEven)).toEqual([0, 2, 2, 2]);
});

it("stacks and mirrors images", () => {
  const grey = { width: 3, height: 2, data: Uint8Array.of(1, 2, 3, 4, 5, 6) };
  expect([...toBatch([grey, mirrored(grey)])]).toEqual([1, 2, 3, 4, 5, 6, 3, 2, 1, 6, 5, 4]);
});
