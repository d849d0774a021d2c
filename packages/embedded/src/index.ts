export async function openEmbeddedDatabase(_: { folder: string }): Promise<AsyncDisposable & { connectionString: string }> {
  throw new Error("not there yet");
}
