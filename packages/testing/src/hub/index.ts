export { checkpoint, data, model, needed, shards, unwanted, wanted, weights } from "./some-model.ts";
export { type Fault, StandInHub, sendOtherBytes, stallAfter, status } from "./stand-in-hub.ts";
