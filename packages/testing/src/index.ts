export { openTestDatabase, storeBodies, testProfile } from "./corpus.ts";
export { createDatabase } from "./create-database.ts";
export { describeOnEachServer, type ServerKind, type TestServers } from "./each-server.ts";
export { nativeUnavailable } from "./native-available.ts";
export { type NativePostgres, startNativePostgres } from "./native-postgres.ts";
export { type NativeRedis, startNativeRedis } from "./native-redis.ts";
export { waitFor } from "./wait-for.ts";
