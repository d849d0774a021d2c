import { expect, test } from "vitest";
import { besides } from "./table-facts.ts";

const schema = "reembed_langchain_postgres_documents";

test("names beside the application's are whole if they fit", () => {
  expect(besides(schema, "new", "embedding")).toBe(`${schema}_new_embedding`);
});

test.each([
  ["langchain_pg_embedding_embedding_idx", "langchain_pg_embedding_embedding_idx1"],
  ["вложение_для_поиска", "вложение_для_поиска_2"],
])("longer ones fit into 63 bytes and stay different: %s", (...names) => {
  const cut = names.map((name) => besides(schema, "new", name));
  expect(new Set(cut).size).toBe(2);
  for (const name of cut) {
    expect(Buffer.byteLength(name)).toBeLessThanOrEqual(63);
    expect(name).toMatch(/^reembed_langchain_postgres_documents_new_[^\uFFFD]*_[0-9a-f]{8}$/);
  }
});
