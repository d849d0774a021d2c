import { type Arithmetic, geluLeast, type Linear, type ValueRange } from "./arithmetic.ts";
import { columnSums, type Quantized, quantizeColumns, quantizeRows } from "./quantize.ts";
import { exactWeightSteps } from "./weight-steps.ts";

const weightSteps = exactWeightSteps();

/**
 * Weights as int8 with a scale for each output, values as uint8 with a scale for each token: the pair that VNNI
 * multiplies (signed values fall off a cliff: 57 tok/s instead of 477). A scale for all the tokens of a run would be 5 %
 * faster, but then a text's vector depended on its neighbours, and one large value cost every token its precision.
 *
 * A row is divided by its largest value and quantised with a fixed scale, which is one operator, and the product is
 * multiplied with that value again. What GELU gives is shifted to be positive first, which wins it a bit: the shift's
 * part of the product is a constant, and goes into the bias.
 */
export const int8Arithmetic: Arithmetic = {
  elementType: "float32",

  operand(graph, values, range) {
    const { steps, shift, zeroPoint } = quantizationOf(range);
    const shifted = shift === 0 ? values : graph.add("Add", [values, graph.scalar(shift)]);
    const sizes = shift === 0 ? graph.add("Abs", [values]) : shifted;
    const scale = graph.add("ReduceMax", [sizes], { axes: { ints: [-1] } });
    const relative = graph.add("Div", [shifted, scale]);
    const fixed = [graph.scalar(1 / steps), graph.constant(new Uint8Array([zeroPoint]))];
    return { values: graph.add("QuantizeLinear", [relative, ...fixed]), scale, range };
  },

  async product(graph, { values, scale = "", range }, linear) {
    const { name, inputs, outputs } = linear;
    const { steps, zeroPoint } = quantizationOf(range);
    const quantized = quantizeColumns(linear.weight, outputs, weightSteps);
    const matrix = await graph.weight(`${name}.weight`, [inputs, outputs], quantized.values);
    const scales = await graph.weight(`${name}.scales`, [outputs], quantized.scales);
    const bias = await graph.weight(`${name}.bias`, [outputs], shiftedBias(linear, quantized, range));
    const relative = graph.add(
      "MatMulIntegerToFloat",
      [values, matrix, graph.scalar(1 / steps), scales, graph.constant(new Uint8Array([zeroPoint]))],
      {},
      "com.microsoft",
    );
    return graph.add("Add", [graph.add("Mul", [relative, scale]), bias]);
  },

  async lookup(graph, table, ids) {
    const { name, rows, columns } = table;
    const scales = new Float32Array(rows);
    const values = await graph.weight(name, [rows, columns], quantizeRows(table, scales));
    const factors = await graph.weight(`${name}.scales`, [rows, 1], scales);
    const found = graph.add("Cast", [graph.add("Gather", [values, ids])], { to: { elementType: "float32" } });
    return graph.add("Mul", [found, graph.add("Gather", [factors, ids])]);
  },
};

/** How values from -1 to 1, or from 0 to 1 after the shift, become uint8. */
function quantizationOf(range: ValueRange): { steps: number; shift: number; zeroPoint: number } {
  return range === "gelu" ? { steps: 255, shift: -geluLeast, zeroPoint: 0 } : { steps: 127, shift: 0, zeroPoint: 128 };
}

function shiftedBias({ bias }: Linear, quantized: Quantized, range: ValueRange): Float32Array {
  const { shift } = quantizationOf(range);
  if (shift === 0) return bias;
  const sums = columnSums(quantized);
  return bias.map((value, column) => value - shift * (sums[column] ?? 0));
}
