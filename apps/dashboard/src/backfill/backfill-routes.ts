import type { Database } from "@reembed/store/database";
import { setPaused } from "@reembed/store/progress";
import express, { type Router } from "express";
import { findProfile } from "../page/find-profile.ts";
import { redirectTo } from "../page/layout.ts";
import { Problem } from "../page/problem.ts";
import { hasBackfill } from "./render-backfill.ts";

/** `/backfill/<profile>/pause` and `/resume`. After a pause, the producer's next tick removes waiting batches. */
export function backfillRoutes(database: Database): Router {
  const router = express.Router();
  for (const [action, paused] of [
    ["pause", true],
    ["resume", false],
  ] as const) {
    router.post(`/:profile/${action}`, async (request, response) => {
      const profile = await findProfile(database, request.params.profile);
      if (!hasBackfill(profile)) throw new Problem(409, `There is no backfill of ${profile.name} to ${action}.`);
      await setPaused(database, profile, paused);
      redirectTo(response, "/");
    });
  }
  return router;
}
