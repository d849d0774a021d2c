import type { RolloutStatus } from "@reembed/migration/rollout";
import { readProfile } from "@reembed/store/profiles";
import { changeRollout, ensureRollout, readRollout } from "@reembed/store/rollout";
import { recordVerification } from "@reembed/store/verification";
import { describeOnEachServer, openTestDatabase, testProfile } from "@reembed/testing";
import { expect, test } from "vitest";
import { addressesOf, jsonLines, runReembed, standIns } from "./run-reembed.ts";

describeOnEachServer(
  "reembed rollout",
  (open) => {
    test("is refused with exit code 3, overruled by name, rolled back with one command, and recorded with who and why", async () => {
      const servers = await open();
      await using database = await openTestDatabase(servers, [testProfile("mini-rubert"), testProfile("mini-m3")]);
      await ensureRollout(database, { baseline: "mini-rubert", candidate: "mini-m3" });
      const run = (...args: string[]) => runReembed(args, { environment: { ...standIns, ...addressesOf(servers) } });

      const refused = await run("rollout", "set", "10", "--reason", "a try");
      expect(refused).toMatchObject({ code: 3, stdout: "" });
      expect(refused.stderr).toMatch(
        /mini-m3 cannot get a greater share yet:\n {2}- baseline: mini-rubert has no chunks; a rollback/,
      );

      const unnamed = await run("rollout", "set", "10", "--reason", "a try", "--overrule", "all=now");
      expect(unnamed).toMatchObject({
        code: 2,
        stderr: expect.stringMatching(/one of baseline, coverage, quarantine/),
      });
      const because = ["baseline", "coverage", "verification", "evaluation"].flatMap((proof) => [
        "--overrule",
        `${proof}=a test`,
      ]);
      const set = await run("rollout", "set", "10", "--reason", "a try", ...because, "--by", "anna", "--json");
      expect(jsonLines<RolloutStatus>(set)).toMatchObject([{ stage: "canary", percent: 10, version: 2 }]);
      const back = await run("rollback", "--by", "boris");
      expect(back.stdout).toMatch(/^Stage rolled back: mini-m3 answers 0 % of subjects, mini-rubert 100 %\./);
      expect(back.stdout).toMatch(/^mini-m3 +candidate +registered +0\.0 % /m);
      expect(back.stdout).toMatch(/ boris +canary 10 % +rolled back +rolled back by hand$/m);
      expect(back.stdout).toMatch(
        / anna +baseline +canary 10 % +a try; baseline overruled: a test; .*verification overruled: a test$/m,
      );
      const early = await run("finalize", "--keep-days", "0");
      expect(early).toMatchObject({ code: 3, stderr: expect.stringMatching(/answers 0 % of subjects/) });
    });

    test("is made final after a confirmation, which needs a terminal or --yes", async () => {
      const servers = await open();
      await using database = await openTestDatabase(servers, [testProfile("mini-rubert"), testProfile("mini-m3")]);
      await ensureRollout(database, { baseline: "mini-rubert", candidate: "mini-m3" });
      const now = await readRollout(database);
      await changeRollout(database, now, { ...now, stage: "full", percent: 100 }, { by: "anna", reason: "a test" });
      await recordVerification(database, { profile: "mini-m3", passed: true, report: {} });
      const run = (...args: string[]) => runReembed(args, { environment: { ...standIns, ...addressesOf(servers) } });

      const asked = await run("finalize", "--keep-days", "0");
      expect(asked).toMatchObject({ code: 3, stdout: "" });
      expect(asked.stderr).toMatch(/This removes 0 vectors of mini-rubert .*There is no way back.*\n.*Give --yes to/);
      expect((await readProfile(database, "mini-rubert")).state).toBe("registered");
      const done = await run("finalize", "--keep-days", "0", "--yes");
      expect(done).toMatchObject({ code: 0, stdout: expect.stringMatching(/^mini-rubert is retired/) });
      expect((await readProfile(database, "mini-rubert")).state).toBe("retired");
    });
  },
  ["PostgreSQL"],
);
