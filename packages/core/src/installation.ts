/** The schema of an installation for which no other was chosen. Every statement is written with it. */
export const defaultSchema = "reembed";

/**
 * Whether a schema may be an installation's. What belongs to it elsewhere begins with its name, so that no name may begin as
 * that of another one's column does, `reembed_old_embedding`; and all of them have to fit into 63 bytes.
 */
export function isInstallationSchema(name: string): boolean {
  return name.length <= 40 && /^reembed(_(?!(new|old)(_|$))[a-z0-9]+)*$/.test(name);
}

/** The schema of an installation's queue, if that is in the database: `bullmq`, or `bullmq_pages` for `reembed_pages`. */
export function queueSchemaOf(schema: string): string {
  return schema.replace(/^reembed/, "bullmq");
}
