import { isAtLeast } from "@reembed/core";
import type { Database } from "@reembed/store/database";
import { readQuarantined } from "@reembed/store/embeddings";
import { readQuarantineReasons } from "@reembed/store/progress";
import express, { type Router } from "express";
import { z } from "zod";
import { identityOf } from "../access/guards.ts";
import { findProfile } from "../page/find-profile.ts";
import { sendPage } from "../page/layout.ts";
import { parse } from "../page/parse.ts";
import { renderQuarantine } from "./render-quarantine.ts";

const pageSize = 50;

const ListQuery = z.object({
  reason: z.string().min(1).max(200).optional(),
  /** Shows the page after this chunk. */
  after: z.coerce.number("must be a number").int().optional(),
  /** Shown in a message after a retry. */
  retried: z.coerce.number().int().min(0).optional(),
});

/** `/quarantine/<profile>`: the quarantined chunks by reason, with links to their retry. */
export function quarantineRoutes(database: Database): Router {
  const router = express.Router();
  router.get("/:profile", async (request, response) => {
    const query = parse(ListQuery, request.query);
    const profile = await findProfile(database, request.params.profile);
    const chunks = await readQuarantined(database, profile, { ...query, limit: pageSize + 1 });
    const main = renderQuarantine({
      profile: profile.name,
      reasons: await readQuarantineReasons(database, profile),
      reason: query.reason,
      chunks: chunks.slice(0, pageSize),
      nextAfter: chunks.length > pageSize ? chunks[pageSize - 1]?.chunkId : undefined,
      retried: query.retried,
      mayRetry: isAtLeast(identityOf(response).role, "operator"),
    });
    sendPage(response, { title: `Quarantine of ${profile.name}`, main });
  });
  return router;
}
