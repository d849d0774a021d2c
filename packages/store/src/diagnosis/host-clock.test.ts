import { hostname } from "node:os";
import { describeOnEachServer, openTestDatabase } from "@reembed/testing";
import { sql } from "drizzle-orm";
import { expect, onTestFinished, test, vi } from "vitest";
import { readClockAhead } from "./diagnosis.ts";

const dayMs = 86_400_000;

/** The module of a process whose host's clock is wrong by `offset` milliseconds; later calls may correct it. */
async function startHost(): Promise<typeof import("./host-clock.ts") & { putOff(milliseconds: number): void }> {
  const right = Date.now;
  let offset = 0;
  Date.now = () => right() + offset;
  onTestFinished(() => {
    Date.now = right;
  });
  vi.resetModules();
  const module = await import("./host-clock.ts");
  return {
    ...module,
    putOff(milliseconds) {
      offset = milliseconds;
    },
  };
}

describeOnEachServer(
  "a host's clock",
  (open) => {
    test.each([dayMs, -dayMs])(
      "that is wrong by %s ms is recorded and reported, and not used until it is right",
      async (off) => {
        await using database = await openTestDatabase(await open(), []);
        const { followDatabaseClock, readWrongClocks, describeWrongClock, putOff } = await startHost();
        expect(await followDatabaseClock(database)).toBe(0);
        expect(await readWrongClocks(database)).toEqual([]);

        putOff(off);
        for (let again = 0; again < 3; again++) {
          expect(Math.abs((await followDatabaseClock(database)) - off)).toBeLessThan(2_000);
          expect(Math.abs(await readClockAhead(database))).toBeLessThan(2_000);
        }
        const [wrong, ...others] = await readWrongClocks(database);
        expect(others).toEqual([]);
        const told = describeWrongClock(wrong ?? { host: "", aheadMs: 0 });
        expect(told).toMatch(`The clock of ${hostname()} is 86,`);
        expect(told).toContain(off < 0 ? "behind the database's" : "ahead of the database's");

        putOff(0);
        expect(await followDatabaseClock(database)).toBe(0);
        expect(Math.abs(await readClockAhead(database))).toBeLessThan(2_000);
        expect(await readWrongClocks(database)).toEqual([]);
      },
    );

    test("of a host without news for a minute is no longer reported", async () => {
      await using database = await openTestDatabase(await open(), []);
      const { readWrongClocks } = await startHost();
      await database.execute(sql`
        insert into reembed.wrong_clocks values ('old', 5000, now() - interval '2 minutes'), ('new', 5000, now())`);
      expect((await readWrongClocks(database)).map(({ host }) => host)).toEqual(["new"]);
    });
  },
  ["embedded", "PostgreSQL"],
);
