import { createDatabase, describeOnEachServer } from "@reembed/testing";
import { expect, test } from "vitest";
import { createCorpus } from "./corpus.ts";
import { openStages, runSequences } from "./run-sequences.ts";

const seed = Date.now() % 1_000_000;

describeOnEachServer(
  "the simulation",
  (open) => {
    test("no order of events, losses and deaths leaves a chunk without its vector or a reason", async () => {
      const { connectionString: own } = await open();
      const adopted = await createDatabase(own);
      await createCorpus("own", own);
      await createCorpus("adopted", adopted);
      await using stages = await openStages({ own, adopted });
      const report = await runSequences(stages, { runs: 30, events: 40, seed });
      expect(report).toMatchObject({ runs: 30, failure: null });
    });
  },
  ["PostgreSQL"],
);
