import { expect, test } from "vitest";
import { batchMean } from "../src/device/networks";

test("an output is averaged over the batch", () => {
  const tensor = (data: number[], dims: number[]) => ({ data: Float32Array.from(data), dims }) as never;
  const found = { logits: tensor([1, 2, 3, 5, 6, 7], [2, 3]), occlusion: tensor([0.5], [1]) };
  expect([...batchMean(found, "logits")]).toEqual([3, 4, 5]);
  expect([...batchMean(found, "occlusion")]).toEqual([0.5]);
});
