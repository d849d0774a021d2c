import { nativeUnavailable, startNativePostgres, waitFor } from "@reembed/testing";
import { describe, expect, test } from "vitest";
import { openSearch, readEvents } from "./open-search.ts";

const missing = nativeUnavailable();
const secret = "leave of Ivan the Terrible";

// It has a PostgreSQL of its own, because a shared one must not be stopped.
describe.skipIf(missing !== undefined)(
  `the search without its database${missing ? `: skipped, ${missing}` : ""}`,
  () => {
    test("answers with a problem without secrets, records it later, and recovers by itself", async () => {
      await using postgres = await startNativePostgres();
      const connectionString = await postgres.createDatabase();
      await using search = await openSearch({ connectionString, queue: { kind: "postgres", connectionString } });
      const ask = (query: string) => search.post("/v1/search", { query, subject: "ann" });
      const refusal = expect.objectContaining({
        status: 503,
        code: "server_away",
        detail: expect.stringMatching(/away or busy/),
      });

      // In the middle of a request: the session is terminated while it waits for a lock.
      const other = await search.database.$client.connect();
      await other.query("begin; lock table reembed.documents in access exclusive mode");
      const cut = ask(secret);
      await waitFor("the search to wait", async () => {
        // Read from another session, because within a transaction the activity stays as it was first read.
        const { rowCount } = await search.database.$client.query(
          "select pg_terminate_backend(pid) from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()",
        );
        return rowCount;
      });
      const answer = await cut;
      expect([answer.status, answer.headers.get("retry-after"), await answer.json()]).toEqual([503, "1", refusal]);
      await other.query("commit");
      other.release();
      // The pool may not know yet that the session is gone, and may use it for the next search.
      await waitFor("an answer", async () => (await ask(secret)).ok);

      await postgres.kill();
      await waitFor("the failed poll to be logged", () =>
        search.logged.some((line) => line.includes("the last known one stays")),
      );
      const [away, feedback] = await Promise.all([
        ask(secret),
        search.post("/v1/feedback", { requestId: crypto.randomUUID(), chunkId: 1, kind: "clicked" }),
      ]);
      expect([away.status, await away.json()]).toEqual([503, refusal]);
      expect([feedback.status, await feedback.json()]).toEqual([503, refusal]);
      expect([(await search.get("/healthz")).status, (await search.get("/readyz")).status]).toEqual([200, 503]);
      expect((await search.ask({ query: "" }).catch(String)) as string).toContain("400");

      await postgres.restart();
      await waitFor("an answer", async () => (await ask(secret)).ok);
      const failed = await waitFor("the failures' events", async () => {
        const errors = (await readEvents(search.database)).map(({ error }) => error).filter((error) => error !== null);
        return errors.length >= 2 ? errors : undefined;
      });
      expect(new Set(failed)).toEqual(new Set(["server_away"]));
      const logged = search.logged.join("\n");
      expect(logged).toContain("search refused");
      for (const leak of [secret, "select ", "insert into", "halfvec"]) expect(logged).not.toContain(leak);
    });
  },
);
