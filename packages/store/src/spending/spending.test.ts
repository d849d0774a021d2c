import { describeOnEachServer, openTestDatabase, testProfile } from "@reembed/testing";
import { sql } from "drizzle-orm";
import { beforeAll, beforeEach, expect, test } from "vitest";
import type { Database } from "../database/database.ts";
import { addSpending, readSpending, reserveSpending, setBudget } from "./spending.ts";

/** A token costs a millionth. */
const price = 1;
const million = { tokens: 1_000_000, price };

describeOnEachServer(
  "what embedding servers were paid",
  (open) => {
    let database: Database;
    beforeAll(async () => {
      database = await openTestDatabase(await open(), [testProfile("mini-m3")]);
      return () => database.$client.end();
    });
    beforeEach(() => database.execute(sql`delete from reembed.spendings`).then(() => {}));

    test("adds up, each request at its price, and a correction takes off", async () => {
      expect(await readSpending(database, "mini-m3")).toBeUndefined();
      expect(await reserveSpending(database, "mini-m3", million)).toBe(true);
      expect(await reserveSpending(database, "mini-m3", { tokens: 500_000, price: 4 })).toBe(true);
      await addSpending(database, "mini-m3", { tokens: -250_000, price: 4 });
      expect(await readSpending(database, "mini-m3")).toEqual({
        ...{ sentTokens: 1_250_000, cost: 2, price: 4, budget: null },
      });
    });

    test("never exceeds the budget, whoever reserves at the same time, and a higher one lets it go on", async () => {
      await setBudget(database, "mini-m3", 3.5);
      const reserved = await Promise.all(
        Array.from({ length: 9 }, () => reserveSpending(database, "mini-m3", million)),
      );
      expect(reserved.filter((allowed) => allowed)).toHaveLength(3);
      expect(await reserveSpending(database, "mini-m3", { tokens: 500_000, price })).toBe(true);
      expect(await reserveSpending(database, "mini-m3", { tokens: 1, price })).toBe(false);
      expect(await readSpending(database, "mini-m3")).toMatchObject({ cost: 3.5, budget: 3.5 });
      await setBudget(database, "mini-m3", 10);
      expect(await reserveSpending(database, "mini-m3", million)).toBe(true);
      await setBudget(database, "mini-m3", null);
      expect(await reserveSpending(database, "mini-m3", { tokens: 90_000_000, price })).toBe(true);
    });

    test("counts tokens that cost nothing, which no budget stops", async () => {
      await setBudget(database, "mini-m3", 0);
      expect(await reserveSpending(database, "mini-m3", { tokens: 7, price: null })).toBe(true);
      expect(await readSpending(database, "mini-m3")).toEqual({ sentTokens: 7, cost: 0, price: null, budget: 0 });
    });
  },
  ["embedded", "PostgreSQL"],
);
