/** Why one document is left out; the corpus goes on without it. */
export class RefusedDocument extends Error {
  override readonly name = "RefusedDocument";
}
