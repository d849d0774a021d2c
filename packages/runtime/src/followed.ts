/** A value, or a function that reads it as it is now, for what people change while a process runs. */
export type Followed<Value> = Value | (() => Promise<Value>);

/** The present value. */
export async function presentValue<Value>(followed: Followed<Value>): Promise<Value> {
  return typeof followed === "function" ? await (followed as () => Promise<Value>)() : followed;
}
