import { loadConfig } from "@reembed/config";
import { formatMoment, formatTable, type Role, roles } from "@reembed/core";
import { createToken, revokeToken } from "@reembed/migration/access";
import { createLogger } from "@reembed/runtime";
import { checkTables, type Database } from "@reembed/store/database";
import { type ApiToken, readTokens } from "@reembed/store/operators";
import { type Command, InvalidArgumentError, Option } from "commander";
import { openBareDatabase } from "../hosting/services.ts";
import { operatorName, person } from "../options.ts";
import { printResult } from "../output/print.ts";

interface CreateFlags {
  name: string;
  role: Role;
  /** Milliseconds. */
  expires?: number;
  by: string;
  json?: boolean;
}

const dayMs = 86_400_000;

export function registerToken(program: Command): void {
  const command = program
    .command("token")
    .description("create, list or revoke the tokens with which scripts use the dashboard");
  registerCreate(command);
  command
    .command("list")
    .description("list the tokens with their roles, and when they were used last and end")
    .option("--json", "print one JSON object")
    .action(async ({ json }: { json?: boolean }) => {
      await withDatabase(async (database) => {
        const tokens = await readTokens(database);
        printResult({ tokens }, json, describeTokens(tokens));
      });
    });
  command
    .command("revoke <name>")
    .description("revoke a token: the next request with it is refused")
    .option("--by <name>", "name of the person who decides", person, operatorName())
    .option("--json", "print one JSON object")
    .action(async (name: string, { by, json }: { by: string; json?: boolean }) => {
      await withDatabase(async (database) => {
        await revokeToken(database, name, by);
        printResult({ revoked: name }, json, `Token ${name} is revoked.`);
      });
    });
}

function registerCreate(command: Command): void {
  command
    .command("create")
    .description("create a token and print it: it cannot be shown again")
    .requiredOption("--name <name>", "what it is for; changes are written down with this name", tokenName)
    .addOption(new Option("--role <role>", "what it may do").choices(roles).makeOptionMandatory())
    .option("--expires <time>", "when it ends, such as 90d or 12h from now (default: never)", duration)
    .option("--by <name>", "name of the person who decides", person, operatorName())
    .option("--json", "print one JSON object")
    .action(async ({ name, role, expires, by, json }: CreateFlags) => {
      const expiresAt = expires === undefined ? null : new Date(Date.now() + expires);
      await withDatabase(async (database) => {
        const token = await createToken(database, { name, role, expiresAt, by });
        printResult({ name, role, expiresAt, token }, json, token);
        const until = expiresAt === null ? "until it is revoked" : `until ${formatMoment(expiresAt)}`;
        process.stderr.write(`This is shown once. It is a token of the role ${role}, ${until}.\n`);
      });
    });
}

async function withDatabase(work: (database: Database) => Promise<void>): Promise<void> {
  const settings = loadConfig(process.env);
  await using opened = await openBareDatabase(settings, createLogger(settings.logLevel));
  await checkTables(opened.database);
  await work(opened.database);
}

function describeTokens(tokens: readonly ApiToken[]): string {
  if (tokens.length === 0) return "There are no tokens.";
  const rows = tokens.map(({ name, role, createdAt, createdBy, expiresAt, revokedAt, lastUsedAt }) => [
    ...[name, role, `${formatMoment(createdAt)} by ${createdBy}`],
    lastUsedAt === null ? "never" : formatMoment(lastUsedAt),
    revokedAt !== null ? `revoked ${formatMoment(revokedAt)}` : expiresAt === null ? "never" : formatMoment(expiresAt),
  ]);
  return formatTable([["token", "role", "created", "last used", "ends"], ...rows], 5);
}

function tokenName(text: string): string {
  if (/^[\w.-]{1,60}$/.test(text)) return person(text);
  throw new InvalidArgumentError("It must have 1 to 60 letters, digits, hyphens, dots and underscores.");
}

/** Milliseconds of `90d` or `12h`. */
function duration(text: string): number {
  const [, amount = "", unit] = /^([1-9]\d{0,4})([dh])$/.exec(text) ?? [];
  if (unit === undefined) throw new InvalidArgumentError("It must be days or hours, such as 90d or 12h.");
  return Number(amount) * (unit === "d" ? dayMs : dayMs / 24);
}
