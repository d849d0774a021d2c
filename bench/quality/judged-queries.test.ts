import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { answersOf, readJudgedQueries, requireFitJudgements } from "./judged-queries.ts";

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

test("a query has its judgements, and one without a line has none", async () => {
  const [first, second] = await read(
    [query("q001"), query("q002")],
    ["q001\tru/01-pay-days.md\t1\t5\t9", "q001\tru/02-bonuses.md\t2\t57\t211"],
  );
  expect(first).toMatchObject({ id: "q001", text: "Когда зарплата?", language: "ru" });
  expect(first?.judgements).toEqual([
    { document: "ru/01-pay-days.md", grade: 1, span: { start: 5, end: 9 } },
    { document: "ru/02-bonuses.md", grade: 2, span: { start: 57, end: 211 } },
  ]);
  expect(first && answersOf(first).map(({ document }) => document)).toEqual(["ru/02-bonuses.md"]);
  expect(second?.judgements).toEqual([]);
});

test("a line that cannot be read is named", async () => {
  await expect(read([query("q001"), "{"], [])).rejects.toThrow("queries.jsonl:2 cannot be read");
  await expect(read(['{"_id":"q001","text":"x"}'], [])).rejects.toThrow("queries.jsonl:1");
  await expect(read([query("q001"), query("q001")], [])).rejects.toThrow("the query q001 is there twice");
  await expect(read([query("q001")], ["q002\ta.md\t2\t0\t9"])).rejects.toThrow(
    "qrels.tsv:2 cannot be read: there is no query q002",
  );
  for (const line of ["q001\ta.md\t2", "q001\ta.md\t0\t0\t9", "q001\ta.md\t2\t9\t9", "q001\ta.md\t2\t-1\t9"]) {
    await expect(read([query("q001")], [line])).rejects.toThrow("qrels.tsv:2 cannot be read: it is not query-id");
  }
  await expect(readJudgedQueries(join(folder, "nowhere"))).rejects.toMatchObject({ code: "judgements_unreadable" });
});

test("judgements that do not fit the corpus are refused", async () => {
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
