import { spawn } from "node:child_process";
import { once } from "node:events";
import { startNativePostgres, startNativeRedis } from "@reembed/testing";

// Runs a command with DATABASE_URL and REDIS_URL of temporary servers, which end with it:
//   node scripts/with-native-servers.ts npm run demo
const [command, ...parameters] = process.argv.slice(2);
if (command === undefined) throw new Error("Give the command to run.");

await using postgres = await startNativePostgres();
await using redis = await startNativeRedis();
const environment = { ...process.env, DATABASE_URL: postgres.connectionString, REDIS_URL: redis.url };
// A process group, so that background processes of the command also end here.
const child = spawn(command, parameters, { stdio: "inherit", env: environment, detached: true });
const [code] = await once(child, "exit");
try {
  if (child.pid !== undefined) process.kill(-child.pid, "SIGTERM");
} catch {
  // No process of the group is left.
}
process.exitCode = typeof code === "number" ? code : 1;
