export {
  addRecut,
  countUncutDocuments,
  nothingRecut,
  postponeOldestChange,
  type RecutDocuments,
  recutChangedDocuments,
  recutUncutDocuments,
} from "./document-changes.ts";
