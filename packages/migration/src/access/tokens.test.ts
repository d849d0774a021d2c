import type { Database } from "@reembed/store/database";
import { readOperatorChanges, readTokens } from "@reembed/store/operators";
import { describeOnOneServer, openTestDatabase, testProfile } from "@reembed/testing";
import { sql } from "drizzle-orm";
import { beforeAll, expect, test } from "vitest";
import { authenticate, createToken, revokeToken } from "./tokens.ts";

describeOnOneServer("a token", (open) => {
  let database: Database & AsyncDisposable;
  beforeAll(async () => {
    database = await openTestDatabase(await open(), [testProfile("mini-m3")]);
    return () => database[Symbol.asyncDispose]();
  });
  const create = (name: string, expiresAt: Date | null = null) =>
    createToken(database, { name, role: "operator", expiresAt, by: "anna" });

  test("stands for its name and role, and is stored nowhere", async () => {
    const token = await create("ci");
    expect(token).toMatch(/^reembed_[\w-]{43}$/);
    expect(await authenticate(database, token)).toMatchObject({ name: "ci", role: "operator" });
    const { rows } = await database.execute<{ row: string }>(sql`select t::text as row from reembed.api_tokens t`);
    expect(rows.map(({ row }) => row).join()).not.toContain(token.slice("reembed_".length));
  });

  test("is one of its name until it is revoked, and then says so", async () => {
    const first = await create("nightly");
    await expect(create("nightly")).rejects.toMatchObject({ code: "token_exists", exitCode: 3 });
    await revokeToken(database, "nightly", "ben");
    expect(await authenticate(database, first)).toEqual({ refused: expect.stringContaining("nightly was revoked on") });
    await expect(revokeToken(database, "nightly", "ben")).rejects.toMatchObject({ code: "token_unknown" });
    const second = await create("nightly");
    expect(await authenticate(database, second)).toMatchObject({ name: "nightly" });
    expect((await readTokens(database)).filter(({ name }) => name === "nightly").length).toBe(2);
  });

  test("ends when it expires, by the database's clock", async () => {
    const token = await create("short", new Date(Date.now() + 3_600_000));
    expect(await authenticate(database, token)).toMatchObject({ name: "short" });
    await database.execute(sql`update reembed.api_tokens set expires_at = now() where name = 'short'`);
    expect(await authenticate(database, token)).toEqual({ refused: expect.stringContaining("short expired on") });
  });

  test("has its creation and its end in the history", async () => {
    await create("watched");
    await revokeToken(database, "watched", "ben");
    const changes = await readOperatorChanges(database, 2);
    expect(
      changes.map(({ changedBy, subject, fromValue, toValue }) => [changedBy, subject, fromValue, toValue]),
    ).toEqual([
      ["ben", "token watched", "operator", "revoked"],
      ["anna", "token watched", "none", "operator"],
    ]);
  });
});
