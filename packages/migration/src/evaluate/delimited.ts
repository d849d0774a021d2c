/** One record of a delimited text. */
export interface DelimitedRecord {
  /** Number of its first line, counted from 1. */
  line: number;
  fields: string[];
}

/**
 * Parses records as spreadsheets write them: a field that contains the delimiter, a quotation mark or a line break is
 * enclosed in quotation marks, and those within it are doubled (RFC 4180). A field that merely begins with a quotation mark
 * is taken literally. Empty lines are skipped.
 */
export function parseDelimited(text: string, delimiter: string): DelimitedRecord[] {
  const field = new RegExp(`(?:"((?:[^"]|"")*)"|([^${delimiter}\\r\\n]*))(${delimiter}|\\r?\\n|\\r|$)`, "y");
  const records: DelimitedRecord[] = [];
  let line = 1;
  let record: DelimitedRecord = { line, fields: [] };
  while (field.lastIndex < text.length || record.fields.length > 0) {
    const [whole, quoted, plain, end] = field.exec(text) as RegExpExecArray;
    record.fields.push(quoted?.replaceAll('""', '"') ?? plain ?? "");
    line += whole.match(/\r\n|\r|\n/g)?.length ?? 0;
    if (end === delimiter) continue;
    if (record.fields.some((value) => value !== "")) records.push(record);
    record = { line, fields: [] };
  }
  return records;
}

export function formatDelimited(rows: readonly (readonly string[])[], delimiter: string): string {
  const special = new RegExp(`[${delimiter}"\\r\\n]`);
  const quote = (value: string) => (special.test(value) ? `"${value.replaceAll('"', '""')}"` : value);
  return rows.map((row) => `${row.map(quote).join(delimiter)}\n`).join("");
}
