import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { ensureRollout } from "@reembed/store/rollout";
import { describeOnEachServer, openTestDatabase, storeBodies, testProfile, waitFor } from "@reembed/testing";
import { expect, onTestFinished, test } from "vitest";
import { addressesOf, reembed, runReembed, standIns } from "./run-reembed.ts";

test("reembed search refuses an address that others can reach, without a key, with exit code 2", async () => {
  const { code, stdout, stderr } = await runReembed(["search", "--host", "0.0.0.0", "--port", "0"]);
  expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
  expect(stderr).toContain("error: The search does not listen on 0.0.0.0 without a key");
  expect(stderr).toContain("Set SEARCH_API_KEY");
});

describeOnEachServer(
  "reembed search",
  (open) => {
    test("embeds with both models, reports its readiness on both ports, and answers running requests when it is stopped", async () => {
      const servers = await open();
      await using database = await openTestDatabase(servers, [testProfile("mini-rubert"), testProfile("mini-m3")]);
      await ensureRollout(database, { baseline: "mini-rubert", candidate: "mini-m3" });
      await storeBodies(database, ["заработная плата"]);
      // It does not use Redis.
      const { DATABASE_URL } = addressesOf(servers);
      const child = spawn(process.execPath, [reembed, "search", "--port", "0", "--json"], {
        env: { PATH: process.env.PATH, DATABASE_URL, ...standIns, OPERATIONS_PORT: "0" },
        stdio: ["ignore", "pipe", "pipe"],
      });
      onTestFinished(() => void child.kill("SIGKILL"));
      const logged: { msg: string; port?: number }[] = [];
      createInterface(child.stderr).on("line", (line) => logged.push(JSON.parse(line)));
      const [line] = (await once(createInterface(child.stdout), "line")) as [string];
      const { url, ...told } = JSON.parse(line) as { url: string };
      expect(told).toEqual({ baseline: "mini-rubert", candidate: "mini-m3", device: "cpu" });
      const ask = (profile: string) =>
        fetch(`${url}v1/search`, {
          method: "POST",
          headers: { "content-type": "application/json" },
          body: JSON.stringify({ query: "зарплата", profile }),
        });
      for (const profile of ["mini-rubert", "mini-m3"]) expect((await ask(profile)).status).toBe(200);
      // These are two streams: what was written first may be read last.
      const port = await waitFor("the port", () => logged.find(({ msg }) => msg === "health and metrics ready")?.port);
      for (const ready of [`${url}readyz`, `http://127.0.0.1:${port}/readyz`]) {
        expect(await (await fetch(ready)).json()).toEqual({ ready: true, checks: { database: "ok", model: "ok" } });
      }

      const other = await database.$client.connect();
      await other.query("begin; lock table reembed.documents in access exclusive mode");
      const inHand = ask("mini-m3");
      const waiting = "select 1 from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()";
      // Read from another session, because within a transaction the activity stays as it was first read.
      await waitFor("the search to wait", async () => (await database.$client.query(waiting)).rowCount);
      const ended = once(child, "exit");
      child.kill("SIGTERM");
      await waitFor("it to stop", () => logged.some(({ msg }) => msg === "search stopping"));
      await waitFor("no new request to be taken", () =>
        fetch(`${url}healthz`).then(
          () => false,
          () => true,
        ),
      );
      await other.query("commit");
      other.release();
      expect((await inHand).status).toBe(200);
      expect(await ended).toEqual([0, null]);
    });
  },
  ["PostgreSQL"],
);
