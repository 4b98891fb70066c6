/** Short names for the types generated from the OpenAPI document; see `make client`. */

import type { components } from "./schema";

type Schemas = components["schemas"];
export type Face = Schemas["Face"];
export type Frame = Schemas["Frame"];
/** `error` is absent if the source was read completely. */
export type Item = Omit<Schemas["Item"], "error"> & Partial<Pick<Schemas["Item"], "error">>;
export type Result = Omit<Schemas["Result"], "items"> & { items: Item[] };
export type ConsentNotice = Schemas["ConsentNotice"];
export type Event = Schemas["EventView"];
export type Job = Schemas["JobView"];
export type Model = Schemas["Model"];
export type Models = Schemas["Models"];
export type Activation = Schemas["Activation"];
export type LiveAnswer = Schemas["Live"] | Schemas["LiveProblem"];
