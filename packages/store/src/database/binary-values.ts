/**
 * PostgreSQL's binary format of one-dimensional arrays (array_send in src/backend/utils/adt/arrayfuncs.c): dimensions,
 * has-nulls, element type, length, lower bound, then each element after its size, all big-endian. node-postgres sends a
 * Buffer in binary format, so the server reads such a parameter without parsing numbers.
 */
const int4 = 23;
const int8 = 20;
const bytea = 17;
const headerBytes = 20;

export function encodeInt4Array(values: readonly number[]): Buffer {
  const buffer = allocate(int4, values.length, 4);
  for (const [index, value] of values.entries()) buffer.writeInt32BE(value, header(buffer, index, 4));
  return buffer;
}

export function encodeInt8Array(values: readonly number[]): Buffer {
  const buffer = allocate(int8, values.length, 8);
  for (const [index, value] of values.entries()) buffer.writeBigInt64BE(BigInt(value), header(buffer, index, 8));
  return buffer;
}

/** Encodes values of equal length, such as hashes. */
export function encodeByteaArray(values: readonly Uint8Array[]): Buffer {
  const size = values[0]?.length ?? 0;
  const buffer = allocate(bytea, values.length, size);
  values.forEach((value, index) => {
    if (value.length !== size) throw new RangeError(`Value ${index} has ${value.length} bytes, the first has ${size}`);
    buffer.set(value, header(buffer, index, size));
  });
  return buffer;
}

/**
 * Encodes for pgvector's halfvec_recv: dimensions and a reserved word, 16 bits each, then half-precision numbers.
 * @param typeOid The oid of `halfvec` in this database: types of extensions have no fixed oids.
 */
export function encodeHalfvecArray(vectors: readonly Float32Array[], typeOid: number): Buffer {
  const dimensions = vectors[0]?.length ?? 0;
  const size = 4 + 2 * dimensions;
  const buffer = allocate(typeOid, vectors.length, size);
  const halves = new Float16Array(dimensions);
  const bytes = Buffer.from(halves.buffer);
  vectors.forEach((vector, index) => {
    if (vector.length !== dimensions) {
      throw new RangeError(`Vector ${index} has ${vector.length} dimensions, the first has ${dimensions}`);
    }
    halves.set(vector);
    bytes.swap16();
    const offset = header(buffer, index, size);
    buffer.writeUInt16BE(dimensions, offset);
    buffer.set(bytes, offset + 4);
  });
  return buffer;
}

function allocate(typeOid: number, length: number, elementBytes: number): Buffer {
  const buffer = Buffer.alloc(length === 0 ? 12 : headerBytes + length * (4 + elementBytes));
  buffer.writeInt32BE(length === 0 ? 0 : 1, 0);
  buffer.writeUInt32BE(typeOid, 8);
  if (length > 0) {
    buffer.writeInt32BE(length, 12);
    buffer.writeInt32BE(1, 16);
  }
  return buffer;
}

/** Writes an element's size and returns the offset of its bytes. */
function header(buffer: Buffer, index: number, elementBytes: number): number {
  const offset = headerBytes + index * (4 + elementBytes);
  buffer.writeInt32BE(elementBytes, offset);
  return offset + 4;
}

/** Decodes what `encodeHalfvec` writes. */
export function decodeHalfvec(sent: Buffer): Float32Array {
  // A copy, because a 16-bit view must begin at an even address, and swapping changes the bytes in place.
  const halves = Buffer.from(sent.subarray(4)).swap16();
  return Float32Array.from(new Float16Array(new Uint8Array(halves).buffer));
}

/** pgvector's halfvec_recv: dimensions and a reserved word, 16 bits each, then half-precision numbers, all big-endian. */
export function encodeHalfvec(vector: Float32Array): Buffer {
  const halves = Buffer.from(new Float16Array(vector).buffer).swap16();
  const header = Buffer.alloc(4);
  header.writeUInt16BE(vector.length);
  return Buffer.concat([header, halves]);
}
