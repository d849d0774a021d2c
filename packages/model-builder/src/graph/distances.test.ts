import { expect, test } from "vitest";
import { distanceClass } from "./distances.ts";

test("distances have the classes that MPNetEncoder.relative_position_bucket of transformers gives them", () => {
  const firstOfClass: [distance: number, expected: number][] = [];
  for (let distance = -511; distance < 512; distance++) {
    const found = distanceClass(distance, 32);
    if (found !== firstOfClass.at(-1)?.[1]) firstOfClass.push([distance, found]);
  }
  const before = [
    [-511, 15],
    [-90, 14],
    [-63, 13],
    [-45, 12],
    [-31, 11],
    [-22, 10],
    [-15, 9],
    [-11, 8],
  ];
  const near = Array.from({ length: 8 }, (_, size) => [size - 7, 7 - size]);
  const after = [...Array.from({ length: 8 }, (_, size) => [size + 1, 17 + size])];
  const far = [
    [12, 25],
    [16, 26],
    [23, 27],
    [32, 28],
    [46, 29],
    [64, 30],
    [91, 31],
  ];
  expect(firstOfClass).toEqual([...before, ...near, ...after, ...far]);
});
