/** The partition of a chunking's own chunks, as SQL writes it. */
export function chunksPartition(chunking: string): string {
  return relationName(`chunks_${chunking}`);
}

/** The partition of a profile's vectors, as SQL writes it. */
export function embeddingsPartition(profile: string): string {
  return relationName(`chunk_embeddings_${profile}`);
}

/** The view by which an application searches a profile in SQL, as SQL writes it. */
export function profileView(profile: string): string {
  return relationName(`search_${profile}`);
}

/** The view over the application's table of documents, beside an adopted chunking. */
export function adoptedDocuments(chunking: string): string {
  return relationName(`documents_${chunking}`);
}

/** A function that was made for an adopted chunking. */
export function adoptedFunction(purpose: string, chunking: string): string {
  return relationName(`${purpose}_${chunking}`);
}

/** Names come from our own registry: lower-case letters, digits and hyphens. */
function relationName(name: string): string {
  if (!/^[a-z0-9_-]{1,63}$/.test(name)) throw new TypeError(`${name} cannot name a relation`);
  return `reembed."${name}"`;
}
