export {
  adoptedProfile,
  applicationColumns,
  beginAdoption,
  followingProfile,
  versionedBody,
} from "./corpus/adopted-corpus.ts";
export { createApplication } from "./corpus/application.ts";
export { openTestDatabase, storeBodies, testProfile } from "./corpus/corpus.ts";
export { folderOf } from "./corpus/folder-of.ts";
export { readBackfillIds } from "./corpus/read-backfill-ids.ts";
export { fillWithVectors, holdUpBuilds } from "./corpus/vectors.ts";
export { HashingEmbedder } from "./embedders/hashing-embedder.ts";
export { encodePoisonGraph, poisonDimensions } from "./models/poison-graph.ts";
export { encodeSlowGraph, slowDimensions } from "./models/slow-graph.ts";
export { type TemporaryModel, writeTemporaryModel } from "./models/temporary-model.ts";
export { findViolations } from "./processes/axe.ts";
export { browserUnavailable, launchBrowser } from "./processes/browser.ts";
export { waitFor } from "./processes/wait-for.ts";
export { hasEnded, watchChildren } from "./processes/watch-children.ts";
export { createDatabase } from "./servers/create-database.ts";
export { openDyingDatabase } from "./servers/dying-database.ts";
export { describeOnEachServer, describeOnOneServer, type TestServers } from "./servers/each-server.ts";
export { nativeUnavailable } from "./servers/native-available.ts";
export { postgresAccount } from "./servers/native-binaries.ts";
export { startNativePgbouncer } from "./servers/native-pgbouncer.ts";
export { type NativePostgres, startNativePostgres } from "./servers/native-postgres.ts";
export { type NativeRedis, startNativeRedis } from "./servers/native-redis.ts";
export { refuseFirst } from "./servers/refuse-first.ts";
export { mountSmallDisk, smallDiskUnavailable } from "./servers/small-disk.ts";
export { startSubPathProxy } from "./servers/sub-path-proxy.ts";
export { startSwallowingProxy } from "./servers/swallowing-proxy.ts";
