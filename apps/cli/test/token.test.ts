import { describeOnOneServer, openTestDatabase, testProfile } from "@reembed/testing";
import { beforeAll, expect, test } from "vitest";
import { addressesOf, jsonLines, runReembed, standIns } from "./run-reembed.ts";
import { startReembed } from "./running.ts";

describeOnOneServer(
  "reembed token",
  (open) => {
    let environment: Record<string, string>;
    beforeAll(async () => {
      const servers = await open();
      await using _ = await openTestDatabase(servers, [testProfile("mini-rubert"), testProfile("mini-m3")]);
      environment = { ...standIns, LOG_LEVEL: "warn", ...addressesOf(servers), DASHBOARD_PASSWORD: "correct horse" };
    });
    const run = (...args: string[]) => runReembed(args, { environment });

    test("creates a token that is shown once and works until it is revoked, all of which audit tells", async () => {
      const created = await run(
        "token",
        "create",
        "--name",
        "ci",
        "--role",
        "viewer",
        "--expires",
        "90d",
        "--by",
        "anna",
      );
      expect(created.stdout).toMatch(/^reembed_[\w-]{43}\n$/);
      expect(created.stderr).toMatch(/^This is shown once\. It is a token of the role viewer, until \d{4}-.* UTC\.\n$/);
      const token = created.stdout.trim();
      const dashboard = startReembed(["dashboard", "--port", "0", "--json"], environment);
      await dashboard.told(/"overview"/);
      const { overview } = JSON.parse(dashboard.lines.find((line) => line.includes('"overview"')) ?? "") as {
        overview: string;
      };
      const ask = async () => await fetch(`${overview}changes`, { headers: { authorization: `Bearer ${token}` } });
      expect((await ask()).status).toBe(200);
      const [{ tokens }] = jsonLines(await run("token", "list", "--json")) as [{ tokens: object[] }];
      expect(tokens).toMatchObject([{ name: "ci", role: "viewer", createdBy: "anna", revokedAt: null }]);
      expect(JSON.stringify(tokens)).not.toContain("sha256");
      expect((await run("token", "revoke", "ci", "--by", "ben")).stdout).toBe("Token ci is revoked.\n");
      expect((await ask()).status).toBe(401);
      expect((await run("token", "list")).stdout).toMatch(/^ci +viewer +.* by anna +\d.* UTC +revoked \d.* UTC$/m);
      expect((await run("audit")).stdout).toMatch(/^\d.* UTC +ben +token ci +viewer +revoked$/m);
    });

    test.each([
      [["token", "create", "--name", "ci"], "'--role <role>' not specified"],
      [["token", "create", "--name", "guardrail", "--role", "viewer"], "It must be the name of a person."],
      [["token", "create", "--name", "c i", "--role", "viewer"], "It must have 1 to 60 letters"],
      [["token", "create", "--name", "ci", "--role", "root"], "Allowed choices are viewer, operator, admin."],
      [["token", "create", "--name", "ci", "--role", "viewer", "--expires", "never"], "such as 90d or 12h"],
      [["token", "revoke", "nobody"], "There is no token nobody that could be revoked."],
    ])("%j is refused with exit code 2", async (args, says) => {
      const { code, stderr } = await run(...args);
      expect([code, stderr]).toEqual([2, expect.stringContaining(says)]);
    });
  },
  "PostgreSQL",
);
