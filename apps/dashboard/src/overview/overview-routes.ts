import express, { type Response, type Router } from "express";
import type { Access } from "../access/access.ts";
import { sendPage } from "../page/layout.ts";
import { renderOverview } from "./render-overview.ts";
import type { SharedPoll } from "./shared-poll.ts";
import type { Snapshot } from "./snapshot.ts";

/** Proxies close a connection on which nothing comes for a minute; a comment is something. */
const keepAliveMs = 15_000;

/** The overview at `/`, and at `/events` its content anew with every snapshot, as server-sent events. */
export function overviewRoutes(poll: SharedPoll<Snapshot>, access: Access): Router {
  const router = express.Router();
  router.get("/", async (_, response) => {
    const { role } = response.locals;
    const main = renderOverview(await poll.read(), role);
    const scripts = ["overview.js", "throughput-chart.js"];
    sendPage(response, { title: "Overview", role, canLogOut: access.guarded, scripts, main });
  });
  router.get("/events", (request, response) => {
    // no-transform and X-Accel-Buffering: a proxy that gathers or compresses events would hold them back.
    response.set({
      "Content-Type": "text/event-stream",
      "Cache-Control": "no-store, no-transform",
      "X-Accel-Buffering": "no",
    });
    response.flushHeaders();
    const stop = poll.watch((snapshot) => {
      // A session that has ended meanwhile sees no more.
      const role = access.roleOf(request);
      if (role === undefined) return end();
      sendEvent(response, renderOverview(snapshot, role).toString());
    });
    const keepAlive = setInterval(() => response.write(":\n\n"), keepAliveMs);
    // At once, and not only when the connection has closed: a client that reads nothing keeps it open.
    const end = () => {
      clearInterval(keepAlive);
      stop();
      response.end();
    };
    response.on("close", end);
  });
  return router;
}

/** A viewer that does not keep up gets the next snapshot instead of a queue of old ones. */
function sendEvent(response: Response, data: string): void {
  if (response.writableNeedDrain) return;
  // As JSON, which has no line breaks: one would end the field.
  response.write(`data: ${JSON.stringify(data)}\n\n`);
}
