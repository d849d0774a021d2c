import { loadConfig, withProfiles } from "@reembed/config";
import type { Model } from "@reembed/core";
import { QueryVectors } from "@reembed/retrieval";
import { createLogger, createMetrics } from "@reembed/runtime";
import type { Database } from "@reembed/store/database";
import { readProfile } from "@reembed/store/profiles";
import { readCoverage } from "@reembed/store/progress";
import { ensureRollout } from "@reembed/store/rollout";
import {
  createApplication,
  describeOnOneServer,
  HashingEmbedder,
  openTestDatabase,
  testProfile,
} from "@reembed/testing";
import { sql } from "drizzle-orm";
import { expect, test } from "vitest";
import { runEvaluation } from "../evaluate/run-evaluation.ts";
import { setShadowPercent } from "../rollout/change-share.ts";
import { findObjections } from "../rollout/objections.ts";
import { readReadiness } from "../rollout/readiness.ts";
import { adoptTable } from "./adopt-table.ts";

const log = createLogger("silent");
const candidate = testProfile("mini-m3");
const model: Model = { ...testProfile("mini-rubert").model, id: "as-is", revision: "as-is-312", unknown: true };
const baseline = { ...testProfile("mini-rubert"), name: "old", model };
const config = { ...withProfiles(loadConfig({ CANDIDATE_PROFILE: "mini-m3" })), baseline };
const asIs = { code: "model_as_is", message: expect.stringMatching(/^The vectors of old were adopted as they are/) };

describeOnOneServer("a table that is adopted as it is, without a model", (open) => {
  test("gives SQL its profile and its way back, and what would embed for it says why it cannot", async () => {
    await using scope = new AsyncDisposableStack();
    const database = scope.use(await openTestDatabase(await open(), [baseline, candidate]));
    const { connectionString } = database.$client.options;
    const embedder = new HashingEmbedder({ model });
    const { chunking } = baseline;
    const ownRole = false;
    const application = scope.use(
      await createApplication({ connectionString: connectionString ?? "", embedder, chunking, ownRole }),
    );
    for (const document of ["a", "b", "c"]) await application.write(document, `The text of document ${document}.`);

    const adopted = await adopt(database);
    expect(adopted).toMatchObject({ checked: undefined, vectors: { copied: 3, left: 0 } });
    const profile = await readProfile(database, baseline.name);
    expect(await readCoverage(database, profile)).toMatchObject({ chunks: 3, embedded: 3 });
    await ensureRollout(database, { baseline: baseline.name, candidate: candidate.name });
    const { rows } = await database.execute(sql`select reembed_profile('anna') as profile`);
    expect(rows).toEqual([{ profile: "old" }]);

    const [ready, next] = await Promise.all(["old", "mini-m3"].map((name) => readReadiness(database, name)));
    if (ready === undefined || next === undefined) throw new TypeError("Two profiles have two states");
    const evidence = { baseline: ready, candidate: next, evaluation: undefined, shadowed: 0 };
    const objections = findObjections(evidence, { embedded: true, maxQuarantinedShare: 0, leastSearches: 20 });
    expect(objections.filter(({ proof }) => proof === "baseline")).toEqual([]);

    const vectors = new QueryVectors({ embedders: new Map(), metrics: createMetrics() });
    await expect(vectors.of(profile, "leave")).rejects.toMatchObject(asIs);
    await expect(setShadowPercent(database, config, 5, { by: "anna", reason: "to see" })).rejects.toMatchObject(asIs);
    const options = {
      k: 10,
      grid: false,
      search: "exact",
      device: "cpu",
      log,
      progress: () => {},
      sample: 10,
    } as const;
    await expect(runEvaluation(database, config, options)).rejects.toMatchObject(asIs);
  });
});

async function adopt(database: Database) {
  return await adoptTable({
    ...{ database, config, profile: baseline, sample: 10, reembed: false, device: "cpu", log, onProgress: () => {} },
    wanted: {
      ...{ table: "public.document_chunks", id: ["id"], content: "content", embedding: "embedding" },
      ...{ document: "document_id", position: "chunk_index" },
    },
  });
}
