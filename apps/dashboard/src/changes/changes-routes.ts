import { readAudit } from "@reembed/migration/audit";
import type { Database } from "@reembed/store/database";
import express, { type Router } from "express";
import { sendPage } from "../page/layout.ts";
import { renderChanges } from "./render-changes.ts";

const shownChanges = 100;

/** `/changes`: who changed what, of the rollout and of everything else. */
export function changesRoutes(database: Database): Router {
  const router = express.Router();
  router.get("/", async (_, response) => {
    sendPage(response, {
      title: "Changes",
      main: renderChanges(await readAudit(database, shownChanges), shownChanges),
    });
  });
  return router;
}
