import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { readJudgedQueries, requireFitJudgements } from "./judged-queries.ts";

const head = "query-id\tcorpus-id\tscore\tstart\tend";
const query = (id: string) => JSON.stringify({ _id: id, text: "Когда зарплата?", metadata: { language: "ru" } });

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "reembed-judgements-"));
});
afterAll(() => rm(folder, { recursive: true }));

async function read(queries: readonly string[], judgements: readonly string[]) {
  await writeFile(join(folder, "queries.jsonl"), `${queries.join("\n")}\n`);
  await writeFile(join(folder, "qrels.tsv"), `${[head, ...judgements].join("\n")}\n`);
  return await readJudgedQueries(folder);
}

test("every query needs its language, and every judgement its part of a document", async () => {
  const [first] = await read([query("q001")], ["q001\tru/01-pay-days.md\t1\t5\t9"]);
  expect(first).toMatchObject({ language: "ru", judgements: [{ grade: 1, span: { start: 5, end: 9 } }] });
  await expect(read(['{"_id":"q001","text":"x"}'], [])).rejects.toThrow("Query q001 has no metadata.language");
  await expect(read([query("q001")], ["q001\ta.md\t2"])).rejects.toThrow("judged with all of a.md");
});

test("judgements that do not match the corpus are refused", async () => {
  const documents = new Map([["ru/a.md", { body: "Зарплата 💶" }]]);
  const judged = (line: string) => read([query("q001"), query("q002")], [line]);
  const fit = await judged("q001\tru/a.md\t2\t0\t10");
  expect(() => requireFitJudgements(fit, documents)).not.toThrow();
  const beyond = await judged("q001\tru/a.md\t2\t0\t11");
  expect(() => requireFitJudgements(beyond, documents)).toThrow("up to 11 of ru/a.md, which has 10");
  const elsewhere = await judged("q001\tru/b.md\t2\t0\t1");
  expect(() => requireFitJudgements(elsewhere, documents)).toThrow("ru/b.md, which is not in the corpus");
  expect(() => requireFitJudgements(fit.slice(0, 1), documents)).toThrow("1 of 1 queries are answerable");
});
