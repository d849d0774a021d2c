import {
  createApplication,
  describeOnEachServer,
  HashingEmbedder,
  type TestServers,
  testProfile,
} from "@reembed/testing";
import { SomeEmbeddingServer } from "@reembed/testing/embedders";
import { expect, test } from "vitest";
import { addressesOf, jsonLines, runReembed, standIns } from "./run-reembed.ts";

const name = "text-embedding-3-small";
const { chunking, model: standIn } = testProfile("mini-rubert");
const model = { ...standIn, id: name };
const adopt = ["adopt", "public.document_chunks", "--document", "document_id", "--position", "chunk_index"];

describeOnEachServer(
  "a table with a provider's vectors",
  (open) => {
    test("becomes the baseline after the provider has embedded a sample again, which costs something", async () => {
      await using server = await SomeEmbeddingServer.start(new HashingEmbedder({ model }));
      server.requiredKey = "sk-provider";
      const run = await openApplication(await open(), { BASELINE_EMBEDDING_API_KEY: "sk-provider" });
      const described = ["--dimensions", `${model.dimensions}`, "--max-tokens", "8191", "--price", "20000"];
      await run("profile", "add", "old", "--endpoint", server.endpoint, "--id", name, ...described);
      await run("init");
      await run(...adopt);
      expect(server.texts).toHaveLength(4);

      const profiles = jsonLines<{ profile: string }>(await run("status", "--json"));
      expect(profiles.find(({ profile }) => profile === "old")).toMatchObject({
        ...{ embedded: 3, spending: { price: 20_000, budget: null } },
      });
      expect((await run("status")).stdout).toMatch(/old: [\d.]+ spent, for \d+ tokens at 20,000\.00 a million/);
      const limited = await run("backfill", "start", "--budget", "20");
      expect(limited).toMatchObject({ code: 2, stderr: expect.stringContaining("no embedding server embeds for it") });
    });

    test("becomes the baseline as it is, without a model, for which nothing can be embedded", async () => {
      const run = await openApplication(await open(), {});
      await run("profile", "add", "old", "--as-is", "--dimensions", `${model.dimensions}`);
      await run("init");
      expect(await run(...adopt)).toMatchObject({ code: 0 });
      expect((await run("status")).stdout).toMatch(/old: adopted as it is, without a model: the application keeps/);
      for (const command of ["worker", "verify", "estimate"]) {
        expect(await run(command, "--profile", "old"), command).toMatchObject({
          ...{ code: 3, stderr: expect.stringContaining("The vectors of old were adopted as they are") },
        });
      }
    });
  },
  ["PostgreSQL"],
);

/** Creates an application's table with vectors of three documents, and returns what runs a command next to it. */
async function openApplication(servers: TestServers, settings: Record<string, string>) {
  const embedder = new HashingEmbedder({ model });
  await using application = await createApplication({ ...servers, embedder, chunking, ownRole: true });
  for (const document of ["a", "b", "c"]) await application.write(document, `The text of document ${document}.`);
  const environment = {
    ...standIns,
    ...addressesOf(servers),
    LOG_LEVEL: "error",
    BASELINE_PROFILE: "old",
    ...settings,
  };
  return async (...args: string[]) => await runReembed(args, { environment });
}
