import { readProfile } from "@reembed/store/profiles";
import { describeOnOneServer, openTestDatabase, storeBodies, testProfile } from "@reembed/testing";
import { expect, test } from "vitest";
import { embedAll, numberIn, planeEmbedder } from "../../test/evaluate-fixtures.ts";
import { measureProxies } from "./proxies.ts";

const count = 30;
const sentence = (topic: number) => `Раздел ${topic} правил описывает порядок ${topic} подробно.`;

/** A text that is one chunk in either chunking; its topic is its first number. */
function body(topic: number): string {
  const others = Array.from({ length: 8 }, (_, index) => `В правилах ${topic} есть ещё и такое положение ${index}.`);
  return [...others.slice(0, 4), sentence(topic), ...others.slice(4)].join("\n");
}

describeOnOneServer(
  "proxy queries",
  (open) => {
    test("a sentence finds the rest of its chunk, and a corpus without sentences has no proxy queries", async () => {
      const [rubert, m3] = [testProfile("mini-rubert"), testProfile("mini-m3")];
      await using database = await openTestDatabase(await open(), [rubert, m3], 2);
      const isSentence = (text: string) => text.length < 100;
      const baseline = {
        profile: await readProfile(database, rubert.name),
        embedder: planeEmbedder(rubert.model, (text) => 4 * numberIn(text) + (isSentence(text) ? 90 : 0)),
      };
      const candidate = {
        profile: await readProfile(database, m3.name),
        embedder: planeEmbedder(m3.model, (text) => 4 * numberIn(text)),
      };
      const measure = () => measureProxies(database, { baseline, candidate }, { most: 12, progress: () => {} });
      await storeBodies(database, ["Правило 1"]);
      expect(await measure()).toBeNull();

      await storeBodies(
        database,
        Array.from({ length: count }, (_, topic) => body(topic)),
      );
      for (const { profile, embedder } of [baseline, candidate]) await embedAll(database, profile, embedder);
      const quality = await measure();
      expect(quality).toMatchObject({
        queries: 12,
        // The stored chunk contains the sentence, and would be a better result than the rest of its text.
        candidate: { hit10: { mean: 1 }, mrr10: { mean: 1 } },
      });
      // 90 degrees are 22 topics: only the last ones are among their own last ten.
      expect(quality?.baseline.hit10.mean).toBeLessThan(1);
    });
  },
  "PostgreSQL",
);
