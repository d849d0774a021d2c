import { describeOnEachServer, openTestDatabase, testProfile, waitFor } from "@reembed/testing";
import { sql } from "drizzle-orm";
import { expect, test } from "vitest";
import { isCancelled, withCancellation } from "./cancellation.ts";
import { openDatabase, statementBudgetsMs } from "./database.ts";

const rubert = testProfile("mini-rubert");

describeOnEachServer(
  "a statement's budget",
  (open) => {
    test("is that of its pool's purpose, and builds have no limit", async () => {
      const { connectionString } = await open();
      for (const purpose of ["search", "background", "dashboard", undefined] as const) {
        const database = openDatabase({ connectionString, purpose, maxConnections: 1 });
        const { rows } = await database.execute<{ ms: number }>(
          sql`select (extract(epoch from current_setting('statement_timeout')::interval) * 1000)::int as ms`,
        );
        expect(rows).toEqual([{ ms: purpose === undefined ? 0 : statementBudgetsMs[purpose] }]);
        await database.$client.end();
      }
    });

    test("an aborted statement is cancelled on the server, and its connection is not used again", async () => {
      await using database = await openTestDatabase(await open(), [rubert], 2);
      const giveUp = new AbortController();
      const asleep = withCancellation(database, giveUp.signal, (session) => session.execute(sql`select pg_sleep(600)`));
      const running = async () => {
        const { rows } = await database.execute<{ running: number }>(sql`
          select count(*)::int as running from pg_stat_activity
          where datname = current_database() and state = 'active' and query = 'select pg_sleep(600)'`);
        return rows[0]?.running;
      };
      await waitFor("it to run", async () => (await running()) === 1);
      giveUp.abort(new Error("given up"));
      await expect(asleep).rejects.toSatisfy((error) => isCancelled(error) || /terminated/.test(String(error.cause)));
      await waitFor("it to be gone", async () => (await running()) === 0);
      await waitFor("its connection to be gone", () => database.$client.totalCount <= 1);
      const late = withCancellation(database, giveUp.signal, (session) => session.execute(sql`select 1`));
      await expect(late).rejects.toThrow("given up");
      const { rows } = await withCancellation(database, new AbortController().signal, (session) =>
        session.execute(sql`select 1 as one`),
      );
      expect(rows).toEqual([{ one: 1 }]);
    });
  },
  ["PostgreSQL"],
);
