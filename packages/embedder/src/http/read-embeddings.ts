/** One vector of an answer, or why it cannot be used. */
export type ReceivedVector = { vector: Float32Array } | { problem: string };

export interface Embeddings {
  vectors: ReceivedVector[];
  /** The tokens that the server says it has read; undefined if it does not say. */
  usedTokens: number | undefined;
}

interface Expected {
  texts: number;
  outputDimensions: number;
}

/**
 * Reads the body of an answer of `/embeddings`. Vectors may have any length, and come in any order, as numbers or, from
 * servers that ignore `encoding_format`, as base64. A vector with a value that is not a number affects only its own text.
 * @throws Error that says what is wrong with the answer as a whole.
 */
export function readEmbeddings(body: string, expected: Expected): Embeddings {
  const { data, usage } = parse(body);
  if (!Array.isArray(data)) throw new Error("it has no list of embeddings");
  if (data.length !== expected.texts) throw new Error(`${data.length} vectors came for ${expected.texts} texts`);
  const vectors = new Array<ReceivedVector | undefined>(expected.texts).fill(undefined);
  for (const entry of data as ({ index?: unknown; embedding?: unknown } | null)[]) {
    const index = entry?.index;
    if (typeof index !== "number" || !(index in vectors)) throw new Error(`a vector has the index ${String(index)}`);
    if (vectors[index] !== undefined) throw new Error(`two vectors have the index ${index}`);
    vectors[index] = readVector(entry?.embedding, expected);
  }
  const used = usage?.total_tokens ?? usage?.prompt_tokens;
  return {
    vectors: vectors.filter((vector) => vector !== undefined),
    usedTokens: typeof used === "number" && Number.isSafeInteger(used) && used > 0 ? used : undefined,
  };
}

/** The members of an answer, none of which is checked. */
interface Answer {
  data?: unknown;
  usage?: { total_tokens?: unknown; prompt_tokens?: unknown } | null;
}

function parse(body: string): Answer {
  try {
    return JSON.parse(body) ?? {};
  } catch {
    // Python writes NaN and Infinity, which JSON does not have.
    return JSON.parse(body.replaceAll(/(?<=[[,]\s*)-?(NaN|Infinity)(?=\s*[\],])/g, "null")) ?? {};
  }
}

function readVector(received: unknown, { outputDimensions }: Expected): ReceivedVector {
  const embedding = typeof received === "string" ? decodeFloats(received) : received;
  if (!Array.isArray(embedding)) throw new Error(`a vector is of type ${typeof embedding} and not a list of numbers`);
  if (embedding.length !== outputDimensions) {
    throw new Error(`a vector has ${embedding.length} dimensions; ${outputDimensions} were expected`);
  }
  const other: unknown = embedding.find((value) => typeof value !== "number");
  if (other !== undefined) return { problem: `The server's vector contains ${JSON.stringify(other)}.` };
  return { vector: Float32Array.from(embedding as number[]) };
}

/** The little-endian 32-bit floats in base64, as OpenAI's own client asks for them. */
function decodeFloats(base64: string): number[] {
  const bytes = Buffer.from(base64, "base64");
  if (bytes.length === 0 || bytes.length % 4 !== 0) throw new Error("a vector is a string that holds no 32-bit floats");
  return Array.from({ length: bytes.length / 4 }, (_, place) => bytes.readFloatLE(place * 4));
}
