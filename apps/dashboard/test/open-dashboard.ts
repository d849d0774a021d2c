import { EmbedQueue } from "@reembed/queue";
import { createLogger } from "@reembed/runtime";
import type { Database } from "@reembed/store/database";
import { openTestDatabase, type TestServers, testProfile } from "@reembed/testing";
import { type DashboardOptions, startDashboard } from "../src/dashboard.ts";

export const log = createLogger("silent");
export const adminPassword = "correct horse";
export const operatorPassword = "steady hand";
export const viewerPassword = "just looking";
/** One for each role. */
export const passwords = { password: adminPassword, operatorPassword, viewerPassword };

export const guard = { embedded: false, maxQuarantinedShare: 0.01, leastSearches: 100 };

/** Of a migration from `mini-rubert` to `mini-m3`. */
export const steering: DashboardOptions["steering"] = {
  readConfig: async () => ({
    ...{ baseline: testProfile("mini-rubert"), candidate: testProfile("mini-m3") },
    ...{ databaseUrl: "postgresql://", maxQuarantinedShare: guard.maxQuarantinedShare },
    guardrails: {
      ...{ windowSeconds: 600, leastSearches: guard.leastSearches, errorMargin: 0.01, emptyMargin: 0.05 },
      ...{ negativeMargin: 0.1, p95Ratio: 2, p95MarginMs: 250 },
    },
  }),
  given: [
    { name: "BATCH_SIZE", value: 64, origin: "default", range: "a whole number from 1 to 1000" },
    { name: "MAX_QUEUED_JOBS", value: 500, origin: "environment", range: "a whole number from 1 to 100000" },
  ],
};

export interface TestDashboard extends AsyncDisposable {
  database: Database;
  queue: EmbedQueue;
  /** Without a trailing slash. */
  origin: string;
  get(path: string, headers?: Record<string, string>): Promise<Response>;
  /** Sends a request as a page of the dashboard would. */
  send(method: string, path: string, body?: RequestInit["body"], headers?: Record<string, string>): Promise<Response>;
}

/** A dashboard with a new database, the profile `mini-m3` and its queue. */
export async function openDashboard(
  servers: TestServers,
  access: Partial<DashboardOptions> = {},
): Promise<TestDashboard> {
  await using scope = new AsyncDisposableStack();
  const database = scope.use(await openTestDatabase(servers, [testProfile("mini-m3")]));
  const queue = scope.use(new EmbedQueue(servers.queue, "mini-m3", () => {}));
  const { url } = scope.use(
    await startDashboard({ database, queue: servers.queue, port: 0, guard, steering, ...access, log }),
  );
  const { origin } = new URL(url);
  const opened = scope.move();
  return {
    database,
    queue,
    origin,
    get: (path, headers = {}) => fetch(`${origin}${path}`, { headers, redirect: "manual" }),
    send: (method, path, body, headers = {}) =>
      fetch(`${origin}${path}`, { method, body: body ?? null, headers: { origin, ...headers }, redirect: "manual" }),
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

/** Logs in and returns the session's cookie. */
export async function logIn(
  { send }: TestDashboard,
  password: string,
  name = "",
  headers: Record<string, string> = {},
): Promise<{ cookie: string }> {
  const response = await send("POST", "/login", new URLSearchParams({ password, name }), headers);
  if (response.status !== 303) throw new Error(`Log-in answered ${response.status}`);
  return { cookie: response.headers.getSetCookie()[0]?.split(";")[0] ?? "" };
}
