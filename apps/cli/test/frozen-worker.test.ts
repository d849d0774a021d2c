import { storeDocuments } from "@reembed/store/corpus";
import { describeOnEachServer, waitFor } from "@reembed/testing";
import { expect, onTestFinished, test } from "vitest";
import { fleetCorpus } from "./fleet-corpus.ts";
import { expectAlive, expectComplete, startFleetMigration, untilShare } from "./fleet-migration.ts";

describeOnEachServer(
  "a worker that is paused with SIGSTOP in the middle of its batches",
  (open) => {
    test("loses them to another one, and does no harm when it continues with texts that have changed meanwhile", async () => {
      const migration = await startFleetMigration(await open(), { documents: 200, workers: 2 });
      const { fleet, database } = migration;
      await untilShare(migration, 0.1);
      await waitFor("the first worker to embed", () => fleet.embeddedBy(0).length > 0);
      fleet.signalWorker(0, "SIGSTOP");
      onTestFinished(() => fleet.signalWorker(0, "SIGCONT"));
      const edited = fleetCorpus(200).map((document) => ({ ...document, body: `${document.body} Изменено.` }));
      await storeDocuments(database, edited);
      // Including the batches that the paused worker had.
      await expectComplete(migration);
      const stoppedAt = fleet.embeddedBy(0).length;
      fleet.signalWorker(0, "SIGCONT");
      await waitFor("the first worker to have its next batch", async () => {
        await storeDocuments(
          database,
          edited.slice(0, 1).map((document) => ({ ...document, body: `${Math.random()}` })),
        );
        return fleet.embeddedBy(0).length > stoppedAt;
      });
      await expectComplete(migration);
      await expectAlive(migration);
      expect(fleet.exited()).toEqual([]);
    });
  },
  ["PostgreSQL", "PostgreSQL and Redis"],
);
