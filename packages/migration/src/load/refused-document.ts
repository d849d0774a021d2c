/** Why a single document is left out; the others are still loaded. */
export class RefusedDocument extends Error {
  override readonly name = "RefusedDocument";
}
