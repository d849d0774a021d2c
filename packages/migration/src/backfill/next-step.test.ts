import { adoptedProfile, applicationColumns, followingProfile } from "@reembed/testing";
import { expect, test } from "vitest";
import { describeNextStep } from "./next-step.ts";

const { name } = followingProfile;
const source = { ...applicationColumns, idTypes: ["bigint"], documentType: "text", numbered: false };
const registered = { name, state: "registered", paused: true, source: null } as const;

test("after an adoption the candidate waits for its start, and before that for its chunks if it cuts documents anew", () => {
  const start = `\`reembed backfill start --profile ${name}\``;
  expect(describeNextStep({ ...registered, source }, 9)).toBe(
    `waits for ${start}, which embeds the adopted table's rows`,
  );
  expect(describeNextStep(registered, 0)).toBe(
    `waits for \`reembed rechunk\`, which cuts its chunks, and then for ${start}`,
  );
  expect(describeNextStep(registered, 9)).toBe(`waits for ${start}`);
});

test("a backfill that was paused after its start is resumed, and nobody has to do anything for the others", () => {
  const started = { ...registered, name: adoptedProfile.name, state: "backfilling" } as const;
  expect(describeNextStep(started, 9)).toBe(
    `paused until \`reembed backfill resume --profile ${adoptedProfile.name}\``,
  );
  expect(describeNextStep({ ...started, paused: false }, 9)).toBeNull();
  for (const state of ["adopting", "backfilled", "retired"] as const) {
    expect(describeNextStep({ ...started, state }, 9)).toBeNull();
  }
});
