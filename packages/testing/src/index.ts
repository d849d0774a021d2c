export {
  adoptedProfile,
  applicationColumns,
  beginAdoption,
  chunksView,
  followingProfile,
  versionedBody,
} from "./adopted-corpus.ts";
export { type Application, createApplication } from "./application.ts";
export { browserUnavailable, launchBrowser } from "./browser.ts";
export { openTestDatabase, storeBodies, testProfile } from "./corpus.ts";
export { createDatabase } from "./create-database.ts";
export {
  describeOnEachServer,
  describeOnOneServer,
  type OpenServers,
  type ServerKind,
  type TestServers,
} from "./each-server.ts";
export { HashingEmbedder, type HashingEmbedderOptions } from "./hashing-embedder.ts";
export { nativeUnavailable } from "./native-available.ts";
export { postgresAccount } from "./native-binaries.ts";
export { type NativePgbouncer, startNativePgbouncer } from "./native-pgbouncer.ts";
export { type NativePostgres, startNativePostgres } from "./native-postgres.ts";
export { type NativeRedis, startNativeRedis } from "./native-redis.ts";
export { encodePoisonGraph, poisonDimensions } from "./poison-graph.ts";
export { encodeSlowGraph, slowDimensions } from "./slow-graph.ts";
export { mountSmallDisk, type SmallDisk, smallDiskUnavailable } from "./small-disk.ts";
export { type SubPathProxy, startSubPathProxy } from "./sub-path-proxy.ts";
export { type SwallowingProxy, startSwallowingProxy } from "./swallowing-proxy.ts";
export { type TemporaryModel, writeTemporaryModel } from "./temporary-model.ts";
export { waitFor } from "./wait-for.ts";
export { hasEnded, watchChildren } from "./watch-children.ts";
