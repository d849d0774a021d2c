import { describe, expect, test } from "vitest";
import { chooseModel, type ModelWish } from "./choose-model.ts";

const openai = {
  endpoint: "https://api.openai.com/v1",
  id: "text-embedding-3-small",
  dimensions: 1536,
  maxTokens: 8191,
};
const choose = (wish: ModelWish) => chooseModel(wish, "unused");

describe("a model that only a server has", () => {
  test("is described by its name there, its length, its tokens and its price, and wants no prompts", async () => {
    expect(await choose({ ...openai, price: 0.02 })).toMatchObject({
      ...{ id: openai.id, dimensions: 1536, outputDimensions: 1536, maxTokens: 8191, bundled: false },
      ...{ prompts: { query: "", passage: "" }, revision: expect.stringMatching(/^served\+/) },
      endpoint: { address: openai.endpoint, servedName: openai.id, pricePerMillion: 0.02 },
    });
  });

  test("may have a name there that is no folder's name", async () => {
    const { id, endpoint } = await choose({ ...openai, id: "e5:large", queryPrompt: "query: " });
    expect({ id, name: endpoint?.servedName, price: endpoint?.pricePerMillion }).toEqual({
      ...{ id: "e5-large", name: "e5:large", price: undefined },
    });
  });

  test("has the length, the tokens and the revision that the catalogue says, if it is there", async () => {
    const { revision, maxTokens } = await choose({ model: "mini-m3" });
    expect(await choose({ endpoint: "http://tei:8080/v1", id: "mini-m3" })).toMatchObject({
      ...{ dimensions: 1024, maxTokens, revision, endpoint: { address: "http://tei:8080/v1" } },
    });
  });

  test.each<[string, ModelWish, RegExp]>([
    ["without its length and its tokens", { endpoint: openai.endpoint, id: "x" }, /^Not everything about x is known/],
    ["without its name", { ...openai, id: undefined }, /^--endpoint needs --id/],
    ["with a folder", { ...openai, folder: "somewhere" }, /^--endpoint needs --id/],
    ["with a password in its address", { ...openai, endpoint: "http://me:secret@tei/v1" }, /without user and password/],
    ["with more dimensions than the catalogue says", { ...openai, id: "BAAI/bge-m3" }, /^--dimensions is 1536, and/],
    ["with a price and no address", { model: "BAAI/bge-m3", price: 1 }, /^--price is what a server takes/],
  ])("is refused %s", async (_, wish, message) => {
    await expect(choose(wish)).rejects.toMatchObject({ exitCode: 2, message: expect.stringMatching(message) });
  });
});
