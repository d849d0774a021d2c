import { retryChunks } from "@reembed/migration/quarantine";
import type { Database } from "@reembed/store/database";
import { readQuarantined } from "@reembed/store/embeddings";
import { readQuarantineReasons } from "@reembed/store/progress";
import express, { type Router } from "express";
import { z } from "zod";
import type { Access } from "../access/access.ts";
import { findProfile } from "../page/find-profile.ts";
import { redirectTo, sendPage } from "../page/layout.ts";
import { parse } from "../page/parse.ts";
import { Problem } from "../page/problem.ts";
import { renderQuarantine } from "./render-quarantine.ts";

const pageSize = 50;

const chunkId = z.coerce.number("must be a number").int().positive().max(Number.MAX_SAFE_INTEGER);
const reason = z.string().min(1).max(200);

const ListQuery = z.object({
  reason: reason.optional(),
  /** Shows the page after this chunk. */
  after: z.coerce.number("must be a number").int().min(0).max(Number.MAX_SAFE_INTEGER).default(0),
  /** Shown in a message after a retry. */
  retried: z.coerce.number().int().min(0).optional(),
});
/** Either one chunk or all with a reason; `from` is the reason whose list is shown afterwards. */
const RetryForm = z.union([z.strictObject({ chunkId, from: reason.optional() }), z.strictObject({ reason })]);

/** `/quarantine/<profile>`: the quarantined chunks by reason, and their retry. */
export function quarantineRoutes(database: Database, access: Access): Router {
  const router = express.Router();
  router.get("/:profile", async (request, response) => {
    const query = parse(ListQuery, request.query);
    const profile = await findProfile(database, request.params.profile);
    const chunks = await readQuarantined(database, profile, { ...query, limit: pageSize + 1 });
    const { role } = response.locals;
    const main = renderQuarantine({
      profile: profile.name,
      reasons: await readQuarantineReasons(database, profile),
      reason: query.reason,
      chunks: chunks.slice(0, pageSize),
      nextAfter: chunks.length > pageSize ? chunks[pageSize - 1]?.chunkId : undefined,
      retried: query.retried,
      mayRetry: role === "admin",
    });
    sendPage(response, { title: `Quarantine of ${profile.name}`, role, canLogOut: access.guarded, main });
  });

  router.post("/:profile/retry", express.urlencoded({ extended: false }), async (request, response) => {
    const form = parse(RetryForm, request.body ?? {});
    const profile = await findProfile(database, request.params.profile);
    const chosen = "reason" in form ? form : { chunkIds: [form.chunkId] };
    const retried = await retryChunks(database, profile, chosen, `${response.locals.role} of the dashboard`);
    if (retried === 0) {
      const what = "reason" in form ? `no chunk for the reason ${form.reason}` : `no chunk ${form.chunkId}`;
      throw new Problem(404, `There is ${what} in the quarantine of ${profile.name}.`);
    }
    const shown = new URLSearchParams({ retried: String(retried) });
    if ("from" in form && form.from !== undefined) shown.set("reason", form.from);
    redirectTo(response, `/quarantine/${encodeURIComponent(profile.name)}?${shown}`);
  });
  return router;
}
