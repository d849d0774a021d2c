import { fileURLToPath } from "node:url";
import { loadConfig, withProfiles } from "@reembed/config";
import { startOnnxEmbedder } from "@reembed/embedder";
import { readProfile } from "@reembed/store/profiles";
import { changeRollout, readRollout } from "@reembed/store/rollout";
import { recordVerification } from "@reembed/store/verification";
import { createApplication, describeOnOneServer, openTestDatabase, type TestServers } from "@reembed/testing";
import { sql } from "drizzle-orm";
import { expect, test } from "vitest";
import { addressesOf, type Outcome, runReembed, standIns } from "./run-reembed.ts";

const config = withProfiles(
  loadConfig({ ...standIns, MODELS_DIR: fileURLToPath(new URL("../../../models", import.meta.url)) }),
);

describeOnOneServer(
  "two operators at once",
  (open) => {
    test("run each step of a migration at the same time: both succeed, or one gets an error that says why", async () => {
      const servers = await open({ empty: true });
      await createTable(servers);
      const environment = { ...standIns, ...addressesOf(servers), MODELS_DIR: config.models.folder };
      const bothRun = async (...commands: [string, string?]): Promise<Outcome[]> => {
        const [first, second = first] = commands;
        const outcomes = await Promise.all(
          [first, second].map((command) => runReembed(command.split(" "), { environment })),
        );
        for (const { code, stderr } of outcomes) {
          expect([0, 3], `${commands.join(" and ")}: ${stderr}`).toContain(code);
          expect(stderr).not.toMatch(/defect of Reembed|\n {4}at /);
        }
        expect(
          outcomes.map(({ code }) => code),
          outcomes.map(({ stderr }) => stderr).join("\n"),
        ).toContain(0);
        return outcomes;
      };

      await bothRun("init");
      await bothRun("adopt document_chunks --sample 5 --chunks cut");
      await using database = await openTestDatabase(servers, [config.baseline, config.candidate]);
      const count = async (query: string) =>
        Number(Object.values((await database.execute(sql.raw(query))).rows[0] ?? {})[0]);
      const chunks = await count("select count(*) from document_chunks");
      expect(await count("select count(*) from reembed.chunk_embeddings")).toBe(chunks);

      await bothRun("rechunk");
      const cut = "select count(*) from reembed.chunks";
      expect(await count(cut)).toBe(await count("select count(distinct (document_id, position)) from reembed.chunks"));
      expect(await count("select count(distinct document_id) from reembed.chunks")).toBe(
        await count("select count(distinct document_id) from document_chunks"),
      );

      await bothRun("backfill start --rate 100", "backfill start --order newest");
      await bothRun("backfill pause", "backfill resume");
      expect(await readProfile(database, "mini-m3")).toMatchObject({ state: "backfilling" });
      await bothRun("index build --profile mini-rubert --force");
      expect(
        await count(
          "select count(*) from pg_index where indrelid = 'reembed.\"chunk_embeddings_mini-rubert\"'::regclass and not indisvalid",
        ),
      ).toBe(0);
      expect((await readProfile(database, "mini-rubert")).ann).toMatchObject({ kind: "hnsw" });

      const proofs = ["baseline", "coverage", "quarantine", "index", "verification", "evaluation"];
      const overruled = proofs.map((proof) => `--overrule ${proof}=test`).join(" ");
      const set = (percent: number) => `rollout set ${percent} --reason test ${overruled}`;
      const outcomes = await bothRun(set(10), set(50));
      const { percent, version } = await readRollout(database);
      expect(version).toBe(1 + outcomes.filter(({ code }) => code === 0).length);
      expect([10, 50]).toContain(percent);
      await bothRun("rollback", set(100));

      const now = await readRollout(database);
      await changeRollout(database, now, { ...now, stage: "full", percent: 100 }, { by: "anna", reason: "a test" });
      await recordVerification(database, { profile: "mini-m3", passed: true, report: {} });
      await bothRun("finalize --keep-days 0 --yes");
      expect((await readProfile(database, "mini-rubert")).state).toBe("retired");
    });
  },
  "PostgreSQL",
);

/** Creates an application's table with the vectors of the baseline's model. */
async function createTable(servers: TestServers): Promise<void> {
  const { model, chunking } = config.baseline;
  await using embedder = await startOnnxEmbedder({ model, modelsFolder: config.models.folder, device: "cpu" });
  await using application = await createApplication({ ...servers, embedder, chunking, ownRole: false });
  for (let document = 0; document < 6; document++) {
    await application.write(`document ${document}`, `Отпуск номер ${document} длится 28 дней. `.repeat(100));
  }
}
