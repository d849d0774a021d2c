import { randomUUID } from "node:crypto";
import { Client } from "pg";

/** A fresh empty database on the server of `connectionString`; returns its own connection string. */
export async function createDatabase(
  connectionString: string,
  name = `test-${randomUUID().slice(0, 8)}`,
): Promise<string> {
  const client = new Client({ connectionString });
  await client.connect();
  try {
    await client.query(`create database ${client.escapeIdentifier(name)}`);
  } finally {
    await client.end();
  }
  const url = new URL(connectionString);
  url.pathname = `/${encodeURIComponent(name)}`;
  return url.href;
}
