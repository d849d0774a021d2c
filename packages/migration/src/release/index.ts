export { releaseTable } from "./release-table.ts";
