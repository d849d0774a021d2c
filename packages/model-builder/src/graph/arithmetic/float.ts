import { type Arithmetic, blocksOf } from "./arithmetic.ts";

/** Weights and values as float32 or float16. */
export function floatArithmetic(elementType: "float32" | "float16"): Arithmetic {
  return {
    elementType,
    operand: (_graph, values, range) => ({ values, range }),
    async product(graph, { values }, { name, inputs, outputs, weight, bias }) {
      const matrix = await graph.weight(`${name}.weight`, [inputs, outputs], toElements(weight, elementType));
      const product = graph.add("MatMul", [values, matrix]);
      if (bias === undefined) return product;
      return graph.add("Add", [product, await graph.weight(`${name}.bias`, [outputs], toElements(bias, elementType))]);
    },
    async lookup(graph, table, ids) {
      const rows = (async function* () {
        for await (const block of blocksOf(table)) yield toElements(block, elementType);
      })();
      return graph.add("Gather", [await graph.weight(table.name, [table.rows, table.columns], rows), ids]);
    },
  };
}

export function toElements(values: Float32Array, elementType: "float32" | "float16"): Float32Array | Float16Array {
  return elementType === "float16" ? new Float16Array(values) : values;
}
