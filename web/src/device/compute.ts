/** Choice of the processor on which the networks run: CPU or GPU. */

export type Compute = "fastest" | "gpu" | "cpu";

interface Adapter {
  readonly info?: { readonly isFallbackAdapter?: boolean };
  readonly isFallbackAdapter?: boolean;
}
interface Gpu {
  requestAdapter(): Promise<Adapter | null>;
}

/** The processor requested in the page's URL, as in `?compute=cpu`; by default the fastest. */
export function wantedCompute(search: string): Compute {
  const asked = new URLSearchParams(search).get("compute");
  return asked === "gpu" || asked === "cpu" ? asked : "fastest";
}

/** Whether to try the GPU; a software adapter is used only if requested. */
export async function findGpu(compute: Compute): Promise<boolean> {
  const { gpu } = navigator as unknown as { readonly gpu?: Gpu };
  if (compute === "cpu" || !gpu) return false;
  const adapter = await gpu.requestAdapter().catch(() => null);
  if (!adapter) return false;
  return compute === "gpu" || !(adapter.info?.isFallbackAdapter ?? adapter.isFallbackAdapter);
}
