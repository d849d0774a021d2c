export { openEmbeddedDatabase } from "./embedded-database.ts";
