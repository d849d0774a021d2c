import type { DetailedEstimate } from "@reembed/migration/estimate";
import { readProfile } from "@reembed/store/profiles";
import { describeOnEachServer, openTestDatabase, storeBodies, testProfile } from "@reembed/testing";
import { expect, test } from "vitest";
import { describeEstimate } from "../src/output/describe-estimate.ts";
import { addressesOf, jsonLines, runReembed, standIns } from "./run-reembed.ts";

const profile = testProfile("mini-m3");

describeOnEachServer(
  "estimate",
  (open) => {
    test("prints the time and disk of a backfill, and stores the estimate with the profile", async () => {
      const servers = await open();
      await using database = await openTestDatabase(servers, [testProfile("mini-rubert"), profile]);
      await storeBodies(
        database,
        Array.from({ length: 10 }, (_, index) => `Отпуск ${index} длится 28 дней.`),
      );
      const environment = { ...standIns, ...addressesOf(servers), LOG_LEVEL: "warn" };
      const args = ["estimate", "--seconds", "1", "--workers", "3", "--json"];
      const outcome = await runReembed(args, { environment });
      expect(outcome).toMatchObject({ code: 0, stderr: "" });

      const [printed] = jsonLines<DetailedEstimate>(outcome);
      if (printed === undefined) throw new Error("Nothing was printed");
      expect(printed).toMatchObject({
        ...{
          profile: "mini-m3",
          chunks: 10,
          sample: 10,
          drawn: "chunks",
          workers: 3,
          device: "cpu",
          truncatedShare: 0,
        },
        // Four pages of three rows.
        indexBytes: 4 * 8_192,
        indexBuildBytes: 28_290,
      });
      const { tokens, tokensPerSecond, seconds } = printed;
      expect(tokens).toEqual({ total: tokens.low, low: tokens.low, high: tokens.low });
      expect(seconds).toBeCloseTo(tokens.total / tokensPerSecond / 3);
      expect((await readProfile(database, "mini-m3")).estimate).toEqual(printed);

      const text = describeEstimate(printed, { model: profile.model, chunking: "6000-300" });
      expect(text).toMatch(/^tokens +\d+ +counted in all 10 chunks$/m);
      expect(text).toMatch(/^cut off +0\.0 % +of the chunks have more than the 8,192 tokens that the model reads$/m);
      expect(text).toMatch(/mini-m3 takes about 0 s on 3 workers\./);
    });
  },
  ["PostgreSQL"],
);
