export { catalogueEntry, chooseModel, type ModelWish } from "./choose-model.ts";
export { describeProfile, requireFreeName, type SearchWish } from "./describe-profile.ts";
export { anyPrompts, listModels } from "./list-models.ts";
