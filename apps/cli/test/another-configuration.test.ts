import { describeOnEachServer } from "@reembed/testing";
import { expect, test } from "vitest";
import { expectAlive, expectComplete, startFleetMigration, untilShare } from "./fleet-migration.ts";
import { addressesOf, runReembed } from "./run-reembed.ts";
import { startReembed } from "./running.ts";

describeOnEachServer(
  "another configuration while a migration runs",
  (open) => {
    test("is refused for a worker, works side by side for a producer, and removes nothing for init", async () => {
      const servers = await open();
      const migration = await startFleetMigration(servers, { documents: 200, workers: 1 });
      const environment = {
        ...addressesOf(servers),
        CANDIDATE_PROFILE: "mini-m3",
        MAX_CHUNK_SIZE: "900",
        CHUNK_OVERLAP: "90",
        LOG_LEVEL: "info",
      };
      await untilShare(migration, 0.05);
      const worker = await runReembed(["worker"], { environment });
      expect(worker).toMatchObject({ code: 3, stdout: "" });
      expect(worker.stderr).toMatch(/mini-m3-900-90/);

      const faster = startReembed(["producer"], {
        ...environment,
        TICK_SECONDS: "0.3",
        BATCH_SIZE: "5",
        MAX_QUEUED_JOBS: "3",
      });
      await faster.told(/producer ready/);
      expect(await runReembed(["init"], { environment })).toMatchObject({ code: 0 });
      await expectComplete(migration);
      await expectAlive(migration);
      const complaints = faster.lines.filter((line) => /"level":[456]0/.test(line));
      expect(complaints.length, complaints.join("\n")).toBeLessThan(5);
      // Which producer schedules the ticks is decided once, and not again in every tick.
      const scheduled = faster.lines.filter((line) => line.includes("ticks scheduled"));
      expect(scheduled.length).toBeLessThan(5);
    });
  },
  ["PostgreSQL and Redis"],
);
