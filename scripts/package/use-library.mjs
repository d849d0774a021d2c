// Runs in a folder in which the package and LangChain.js are installed and the demo was played: searches the demo's
// database through the library, and through the retriever of docs/applications.md, which is beside this file.
import assert from "node:assert/strict";
import { openMigration } from "reembed";
import { ReembedRetriever } from "./retriever.mjs";

const environment = {
  REEMBED_DIR: ".reembed/demo",
  BASELINE_PROFILE: "mini-rubert",
  CANDIDATE_PROFILE: "mini-m3",
  LOG_LEVEL: "warn",
};
const migration = await openMigration({ environment });
try {
  const answer = await migration.search({ query: "Urlaub", profile: "mini-m3", limit: 3, threshold: -1 });
  assert.equal(answer.results.length, 3);
  const [vector] = await migration.embed("mini-m3", ["Urlaub"]);
  assert.equal(vector?.length, 1024);
  assert.equal(migration.profileOf("user-42"), "mini-rubert", "the guardrail has rolled everybody back");
  const retriever = new ReembedRetriever({ migration, subject: "user-42", search: { limit: 2, threshold: -1 } });
  const documents = await retriever.invoke("Urlaub");
  assert.equal(documents.length, 2);
  for (const { pageContent, metadata } of documents) assert.ok(pageContent && metadata.source && metadata.title);
} finally {
  await migration[Symbol.asyncDispose]();
}
console.log("the library and the LangChain retriever answer");
