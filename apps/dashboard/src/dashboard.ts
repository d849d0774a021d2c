import { messageOf, type Role } from "@reembed/core";
import { serveApp } from "@reembed/http";
import { createRolloutReader, type GuardOptions } from "@reembed/migration/rollout";
import { createStagesReader } from "@reembed/migration/status";
import { EmbedQueues, type QueueServer, TickQueue } from "@reembed/queue";
import { answerWithin, type Followed, type Logger } from "@reembed/runtime";
import type { Database } from "@reembed/store/database";
import { Access } from "./access/access.ts";
import { createApp } from "./app.ts";
import { resolveListenAddress } from "./listen-address.ts";
import { SharedPoll } from "./overview/shared-poll.ts";
import { readSnapshot } from "./overview/snapshot.ts";
import type { Steering } from "./steering/step.ts";

/** While somebody watches, the overview is refreshed at this interval; the database is not read more often. */
const pollMs = 1_000;
const answerMs = 5_000;

export interface DashboardOptions {
  database: Database;
  queue: QueueServer;
  /** What the candidate needs for a greater share. */
  guard: Followed<GuardOptions>;
  /** What the buttons of the overview decide with. */
  steering: Steering;
  /** An address or a name; by default loopback. */
  host?: string;
  /** 0 takes a free port. */
  port: number;
  /** Password of admins. Without it everybody is an admin, and only loopback is served. */
  password?: string | undefined;
  /** Password of operators, who may take the steps that can be undone. */
  operatorPassword?: string | undefined;
  /** Password of viewers, who may change nothing. */
  viewerPassword?: string | undefined;
  /** Addresses or subnets of proxies that tell in X-Forwarded-User who somebody is. */
  userProxies?: readonly string[] | undefined;
  /** The role of whoever such a proxy lets in; by default a viewer's. */
  userRole?: Role;
  /** Proxies between this process and its clients: their number, or their addresses or subnets. */
  trustedProxies?: number | readonly string[] | undefined;
  /** The path of its public address, such as `/reembed`, if another site serves it below a path; empty for none. */
  basePath?: string;
  log: Logger;
}

/**
 * Serves the overview at `/` and Bull Board at `/board`.
 * @throws ReembedError of `resolveListenAddress`, or `port_taken`.
 */
export async function startDashboard(options: DashboardOptions): Promise<AsyncDisposable & { url: string }> {
  const { database, log, host = "127.0.0.1", basePath = "" } = options;
  const { password: admin, operatorPassword: operator, viewerPassword: viewer, userProxies, userRole } = options;
  const access = new Access({ database, passwords: { admin, operator, viewer }, userProxies, userRole });
  const { address, onLoopback } = await resolveListenAddress(host, options.password);

  await using scope = new AsyncDisposableStack();
  const onError = (error: unknown) => log.warn({ error: messageOf(error) }, "queue error");
  const queues = scope.use(new EmbedQueues(options.queue, onError));
  const ticks = scope.use(new TickQueue(options.queue, onError));
  const sources = { database, queues, ticks };
  const { steering } = options;
  const readRollout = createRolloutReader(database, async () => (await steering.readConfig()).guardrails);
  const stages = createStagesReader(database, options.guard);
  const poll = scope.use(
    new SharedPoll({
      read: () => answerWithin(answerMs, readSnapshot({ ...sources, readRollout, stages })),
      intervalMs: pollMs,
      onError: (error) => log.warn({ error: messageOf(error) }, "the overview could not be read"),
    }),
  );

  const { trustedProxies } = options;
  const onSteered = () => {
    stages.refresh();
    poll.refresh();
  };
  const app = createApp({ ...sources, poll, steering, onSteered, access, trustedProxies, onLoopback, basePath, log });
  const onRequestError = (error: unknown) => log.error({ error: messageOf(error) }, "request failed");
  const listening = { host, address, port: options.port, basePath, drainMs: 0, onError: onRequestError };
  const { url } = scope.use(
    await serveApp(app, { ...listening, name: "The dashboard", portVariable: "DASHBOARD_PORT" }),
  );
  const opened = scope.move();
  return { url, [Symbol.asyncDispose]: () => opened.disposeAsync() };
}
