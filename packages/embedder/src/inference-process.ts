import { ReembedError } from "@reembed/core";
import type { InferenceReply, InferenceRequest, InferenceSettings } from "./inference-messages.ts";
import { LoadedChild } from "./x.ts";
