export { Tokenizer } from "./tokenizer.ts";
