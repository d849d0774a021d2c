import { bootstrapDifference, bootstrapMean, type Interval } from "./bootstrap.ts";

/** Measures of each of some queries, in their order. */
export type MeasuredQueries<Name extends string> = readonly Record<Name, number>[];

/** The measures over all queries, each a mean with its interval. */
export function summarizeMeasures<Name extends string>(measures: MeasuredQueries<Name>): Record<Name, Interval> {
  return eachMeasure(measures, (name) => bootstrapMean(column(measures, name)));
}

/** Of `candidate` less `baseline`, paired by query. */
export function compareMeasures<Name extends string>(
  baseline: MeasuredQueries<Name>,
  candidate: MeasuredQueries<Name>,
): Record<Name, Interval> {
  return eachMeasure(baseline, (name) => bootstrapDifference(column(baseline, name), column(candidate, name)));
}

/** One measure of every query. */
export function column<Name extends string>(measures: MeasuredQueries<Name>, name: Name): number[] {
  return measures.map((of) => of[name]);
}

function eachMeasure<Name extends string>(
  [first]: MeasuredQueries<Name>,
  of: (name: Name) => Interval,
): Record<Name, Interval> {
  if (first === undefined) throw new RangeError("There is no query to summarize");
  const names = Object.keys(first) as Name[];
  return Object.fromEntries(names.map((name) => [name, of(name)])) as Record<Name, Interval>;
}
