/** Hashes and sizes of files, by path relative to the folder of their manifest. */
export type RecordedFiles = Record<string, { sha256: string; sizeBytes: number }>;
