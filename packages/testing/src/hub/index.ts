export { checkpoint, data, model, needed, pickle, shards, unwanted, wanted, weights } from "./some-model.ts";
export { type Fault, StandInHub, sendOtherBytes, stallAfter, status } from "./stand-in-hub.ts";
