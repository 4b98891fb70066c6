/** What the networks may run on in this browser: its processor, or a graphics processor. */

export type Compute = "fastest" | "gpu" | "cpu";

interface Adapter {
  readonly info?: { readonly isFallbackAdapter?: boolean };
  readonly isFallbackAdapter?: boolean;
}
interface Gpu {
  requestAdapter(): Promise<Adapter | null>;
}

/** What the page's address asks for, as in `?compute=cpu`; the fastest if it asks for nothing. */
export function wantedCompute(search: string): Compute {
  const asked = new URLSearchParams(search).get("compute");
  return asked === "gpu" || asked === "cpu" ? asked : "fastest";
}

/** Whether to try the graphics processor; one that is only imitated counts if it is asked for. */
export async function findGpu(compute: Compute): Promise<boolean> {
  const { gpu } = navigator as unknown as { readonly gpu?: Gpu };
  if (compute === "cpu" || !gpu) return false;
  const adapter = await gpu.requestAdapter().catch(() => null);
  if (!adapter) return false;
  return compute === "gpu" || !(adapter.info?.isFallbackAdapter ?? adapter.isFallbackAdapter);
}
