import { randomUUID } from "node:crypto";
import { Client } from "pg";

/**
 * Creates a database on the server of `connectionString` and returns its own connection string. It is empty or a copy of
 * `template`, to which nobody may be connected.
 */
export async function createDatabase(
  connectionString: string,
  name = `test-${randomUUID().slice(0, 8)}`,
  template = "template1",
): Promise<string> {
  const client = new Client({ connectionString });
  await client.connect();
  try {
    const [own, copied] = [name, template].map((given) => client.escapeIdentifier(given));
    await client.query(`create database ${own} template ${copied}`);
  } finally {
    await client.end();
  }
  const url = new URL(connectionString);
  url.pathname = `/${encodeURIComponent(name)}`;
  return url.href;
}
