/** One vector of an answer, or why it cannot be used. */
export type ReceivedVector = { vector: Float32Array } | { problem: string };

interface Expected {
  texts: number;
  dimensions: number;
}

/**
 * Reads the body of an answer of `/embeddings` with `encoding_format: "float"`. Vectors may come in any order. Each is
 * scaled to length 1, because older servers do not do that. A vector with a value that is not a number affects only its
 * own text.
 * @throws Error that says what is wrong with the answer as a whole.
 */
export function readEmbeddings(body: string, expected: Expected): ReceivedVector[] {
  const data = parse(body);
  if (!Array.isArray(data)) throw new Error("it has no list of embeddings");
  if (data.length !== expected.texts) throw new Error(`${data.length} vectors came for ${expected.texts} texts`);
  const vectors = new Array<ReceivedVector | undefined>(expected.texts).fill(undefined);
  for (const entry of data as ({ index?: unknown; embedding?: unknown } | null)[]) {
    const index = entry?.index;
    if (typeof index !== "number" || !(index in vectors)) throw new Error(`a vector has the index ${String(index)}`);
    if (vectors[index] !== undefined) throw new Error(`two vectors have the index ${index}`);
    vectors[index] = readVector(entry?.embedding, expected.dimensions);
  }
  return vectors.filter((vector) => vector !== undefined);
}

function parse(body: string): unknown {
  try {
    return JSON.parse(body)?.data;
  } catch {
    // Python writes NaN and Infinity, which JSON does not have.
    return JSON.parse(body.replaceAll(/(?<=[[,]\s*)-?(NaN|Infinity)(?=\s*[\],])/g, "null"))?.data;
  }
}

function readVector(embedding: unknown, dimensions: number): ReceivedVector {
  if (!Array.isArray(embedding)) throw new Error(`a vector is a ${typeof embedding} and not a list of numbers`);
  if (embedding.length !== dimensions) {
    throw new Error(`a vector has ${embedding.length} dimensions; ${dimensions} were expected`);
  }
  let sum = 0;
  for (const value of embedding) {
    if (typeof value !== "number") return { problem: `The server's vector contains ${JSON.stringify(value)}.` };
    sum += value ** 2;
  }
  const length = Math.sqrt(sum);
  if (!Number.isFinite(length) || length === 0)
    return { problem: "The length of the server's vector is zero or not finite." };
  return { vector: Float32Array.from(embedding as number[], (value) => value / length) };
}
