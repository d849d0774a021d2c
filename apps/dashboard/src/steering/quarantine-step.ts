import { type ChosenChunks, retryChunks } from "@reembed/migration/quarantine";
import type { Database } from "@reembed/store/database";
import { readQuarantinedChunk } from "@reembed/store/embeddings";
import type { Decision } from "@reembed/store/operators";
import type { RegisteredProfile } from "@reembed/store/profiles";
import { readQuarantineReasons } from "@reembed/store/progress";
import { z } from "zod";
import { findProfile } from "../page/find-profile.ts";
import { parse } from "../page/parse.ts";
import { Problem } from "../page/problem.ts";
import type { SteeringContext, Step } from "./step.ts";

const chunkId = z.coerce.number("must be a number").int();
const reason = z.string().min(1).max(200);
/** Either one chunk or all with a reason; `from` is the reason whose list is shown afterwards. */
const OneChunk = z.strictObject({ chunkId, from: reason.optional() });
const RetryQuery = z.union([OneChunk, z.strictObject({ reason })]);

/** Embedding chunks of a quarantine again, as `reembed quarantine retry` does. */
export async function quarantineStep(
  { database }: SteeringContext,
  { profile: name, query }: { profile: string; query: unknown },
): Promise<Step> {
  const asked = parse(RetryQuery, query);
  const profile = await findProfile(database, name);
  return "reason" in asked ? ofReason(database, profile, asked.reason) : ofChunk(database, profile, asked);
}

async function ofReason(database: Database, profile: RegisteredProfile, asked: string): Promise<Step> {
  const found = (await readQuarantineReasons(database, profile)).find((entry) => entry.reason === asked);
  if (found === undefined) throw noneThere(profile, `no chunk for the reason ${asked}`);
  return {
    title: `Retry ${found.chunks === 1 ? "the chunk" : `all ${found.chunks} chunks`} with ${asked}`,
    effects: [
      `${profile.name} embeds them again, ahead of its backfill, and those that come until the button is pressed too.`,
      "Those that fail again come back into quarantine.",
    ],
    objections: [],
    // Not bound to what was seen: workers add chunks all the time.
    seen: "",
    fields: false,
    run: async (_, decision) => {
      const retried = await retry(database, profile, { reason: asked }, decision);
      return listPath(profile, { retried: String(retried) });
    },
  };
}

async function ofChunk(
  database: Database,
  profile: RegisteredProfile,
  { chunkId, from }: z.infer<typeof OneChunk>,
): Promise<Step> {
  const found = await readQuarantinedChunk(database, profile, chunkId);
  if (found === undefined) throw noneThere(profile, `no chunk ${chunkId}`);
  return {
    title: `Retry chunk ${chunkId}`,
    effects: [
      `${profile.name} embeds chunk ${chunkId} of ${found.title ?? "an unknown document"} again, ahead of its backfill.`,
      `It was set aside because: ${found.detail}`,
      "If it fails again, it comes back into quarantine.",
    ],
    objections: [],
    seen: `in quarantine with ${found.reason}, attempts: ${found.attempts}`,
    fields: false,
    run: async (_, decision) => {
      const retried = await retry(database, profile, { chunkIds: [chunkId] }, decision);
      return listPath(profile, { retried: String(retried), ...(from === undefined ? {} : { reason: from }) });
    },
  };
}

async function retry(database: Database, profile: RegisteredProfile, chosen: ChosenChunks, decision: Decision) {
  const retried = await retryChunks(database, profile, chosen, decision);
  if (retried === 0) throw noneThere(profile, "nothing of this any more");
  return retried;
}

function listPath({ name }: RegisteredProfile, query: Record<string, string>): string {
  return `/quarantine/${encodeURIComponent(name)}?${new URLSearchParams(query)}`;
}

function noneThere({ name }: RegisteredProfile, what: string): Problem {
  return new Problem(404, `There is ${what} in the quarantine of ${name}.`);
}
