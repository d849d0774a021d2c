export { isCancelled, withCancellation } from "./cancellation.ts";
export {
  checkDatabase,
  type Database,
  describeServer,
  type OpenDatabaseOptions,
  openDatabase,
  pingDatabase,
  type Queryable,
  requirePgvector,
  requirePostgres,
  requireUtf8,
} from "./database.ts";
export { type DatabaseLoad, readDatabaseLoad } from "./database-load.ts";
export { describeStatement } from "./dry-run.ts";
export { readIdentity } from "./identity.ts";
export { schemaOf } from "./installation.ts";
export { checkTables, dropTables, hasTables, migrateDatabase } from "./migrate.ts";
export { checkSessions } from "./pooling.ts";
export { quoted } from "./quoted.ts";
export { type Retention, removeExpired } from "./retention.ts";
