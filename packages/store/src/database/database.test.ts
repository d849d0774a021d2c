import { expect, test } from "vitest";
import { requirePgvector } from "./database.ts";

test.for(["0.8.0", "0.8.1", "0.10.1", "1.0"])("pgvector %s is accepted", (version) => {
  expect(() => requirePgvector(version)).not.toThrow();
});

test.for([
  { version: null, code: "pgvector_missing", message: "This PostgreSQL server has no pgvector." },
  { version: "0.7.4", code: "pgvector_too_old", message: "pgvector is version 0.7.4; 0.8 or newer is needed." },
  { version: "0.5", code: "pgvector_too_old", message: "pgvector is version 0.5; 0.8 or newer is needed." },
])("pgvector $version is refused with exit code 3 and what to install", ({ version, code, message }) => {
  const remedy = expect.stringMatching(/^Install .*pgvector/);
  expect(() => requirePgvector(version)).toThrow(expect.objectContaining({ code, message, remedy, exitCode: 3 }));
});
