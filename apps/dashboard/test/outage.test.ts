import { createLogger } from "@reembed/runtime";
import {
  createDatabase,
  nativeUnavailable,
  openTestDatabase,
  startNativeRedis,
  testProfile,
  waitFor,
} from "@reembed/testing";
import { describe, expect, inject, test } from "vitest";
import { startDashboard } from "../src/dashboard.ts";
import { guard, steering } from "./open-dashboard.ts";

const missing = nativeUnavailable();

// It has a Redis of its own, because a shared one must not be stopped.
describe.skipIf(missing !== undefined)(
  `the dashboard without its queue's server${missing ? `: skipped, ${missing}` : ""}`,
  () => {
    test("answers with 503 and the server's name, and shows the overview again when the server is back", async () => {
      const native = inject("native");
      if (native.missing !== undefined) throw new Error(native.missing);
      await using redis = await startNativeRedis();
      const connectionString = await createDatabase(native.postgres);
      const queue = { kind: "redis", url: redis.url } as const;
      await using database = await openTestDatabase({ connectionString, queue }, [testProfile("mini-m3")]);
      await using dashboard = await startDashboard({
        database,
        queue,
        guard,
        steering,
        port: 0,
        log: createLogger("silent"),
      });
      const get = () => fetch(dashboard.url, { headers: { accept: "application/json, text/html;q=0.5" } });
      await waitFor("the overview", async () => (await get()).ok);

      redis.freeze();
      const refused = await waitFor("a refusal", async () => {
        const response = await get();
        return response.status === 200 ? undefined : response;
      });
      expect(refused.status).toBe(503);
      expect(await refused.json()).toMatchObject({
        status: 503,
        detail: expect.stringContaining("A server is away or busy"),
      });
      redis.thaw();
      await waitFor("the overview", async () => (await get()).ok);
    });
  },
);
