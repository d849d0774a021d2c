import express, { type Response, type Router } from "express";
import type { Access } from "../access/access.ts";
import { identityOf } from "../access/guards.ts";
import { sendPage } from "../page/layout.ts";
import { renderOverview } from "./render-overview.ts";
import type { SharedPoll } from "./shared-poll.ts";
import type { Snapshot } from "./snapshot.ts";

/** Proxies close a connection that is idle for a minute; sending a comment keeps it open. */
const keepAliveMs = 15_000;

/** The overview at `/`; at `/events` its content is sent again with every snapshot, as server-sent events. */
export function overviewRoutes(poll: SharedPoll<Snapshot>, access: Access): Router {
  const router = express.Router();
  router.get("/", async (_, response) => {
    const main = renderOverview(await poll.read(), identityOf(response).role);
    const scripts = ["overview.js", "throughput-chart.js"];
    sendPage(response, { title: "Overview", scripts, main });
  });
  router.get("/events", (request, response) => {
    // no-transform and X-Accel-Buffering: otherwise proxies that buffer or compress would delay the events.
    response.set({
      "Content-Type": "text/event-stream",
      "Cache-Control": "no-store, no-transform",
      "X-Accel-Buffering": "no",
    });
    response.flushHeaders();
    const show = async (snapshot: Snapshot) => {
      // If the session or the token has ended meanwhile, nothing more is sent.
      const identity = await access.identify(request);
      if (identity === undefined || response.writableEnded) return end();
      sendEvent(response, renderOverview(snapshot, identity.role).toString());
    };
    const stop = poll.watch((snapshot) => void show(snapshot).catch(end));
    const keepAlive = setInterval(() => response.write(":\n\n"), keepAliveMs);
    // Ended at once, not when the client closes the connection: a client that does not read keeps it open.
    const end = () => {
      clearInterval(keepAlive);
      stop();
      response.end();
    };
    response.on("close", end);
  });
  return router;
}

/** A client that cannot keep up skips snapshots instead of building up a queue of old ones. */
function sendEvent(response: Response, data: string): void {
  if (response.writableNeedDrain) return;
  // Encoded as JSON, which has no line breaks: a line break would end the field.
  response.write(`data: ${JSON.stringify(data)}\n\n`);
}
