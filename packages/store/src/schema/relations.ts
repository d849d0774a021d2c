/** The quoted name of the partition of a chunking's own chunks. */
export function chunksPartition(chunking: string): string {
  return relationName(`chunks_${chunking}`);
}

/** The quoted name of the partition of a profile's vectors. */
export function embeddingsPartition(profile: string): string {
  return relationName(`chunk_embeddings_${profile}`);
}

/** The quoted name of the view with which an application searches a profile in SQL. */
export function profileView(profile: string): string {
  return relationName(`search_${profile}`);
}

/** The quoted name of a function that was created for an adopted chunking. */
export function adoptedFunction(purpose: string, chunking: string): string {
  return relationName(`${purpose}_${chunking}`);
}

/** Names come from our own registry: lower-case letters, digits and hyphens. */
function relationName(name: string): string {
  if (!/^[a-z0-9_-]{1,63}$/.test(name)) throw new TypeError(`${name} cannot name a relation`);
  return `reembed."${name}"`;
}
