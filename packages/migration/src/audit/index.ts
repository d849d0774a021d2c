export { type AuditEntry, readAudit } from "./audit.ts";
