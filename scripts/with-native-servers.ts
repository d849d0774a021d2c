import { spawn } from "node:child_process";
import { once } from "node:events";
import { startNativePostgres } from "../packages/testing/src/native-postgres.ts";
import { startNativeRedis } from "../packages/testing/src/native-redis.ts";

// Runs a command with DATABASE_URL and REDIS_URL of servers of its own, which end with it:
//   node scripts/with-native-servers.ts npm run demo
const [command, ...parameters] = process.argv.slice(2);
if (command === undefined) throw new Error("Name the command to run.");

await using postgres = await startNativePostgres();
await using redis = await startNativeRedis();
const environment = { ...process.env, DATABASE_URL: postgres.connectionString, REDIS_URL: redis.url };
// A group of its own, so that what the command leaves in the background ends here.
const child = spawn(command, parameters, { stdio: "inherit", env: environment, detached: true });
const [code] = await once(child, "exit");
try {
  if (child.pid !== undefined) process.kill(-child.pid, "SIGTERM");
} catch {
  // Nothing is left of the group.
}
process.exitCode = typeof code === "number" ? code : 1;
