/** Detection of animated images, which are read as films. */

/** Whether an image has several frames; false if the browser cannot determine it. */
export async function isAnimated(file: File): Promise<boolean> {
  if (typeof ImageDecoder === "undefined") return false;
  let decoder: ImageDecoder | undefined;
  try {
    decoder = new ImageDecoder({ data: await file.arrayBuffer(), type: file.type, preferAnimation: true });
    await decoder.tracks.ready;
    return (decoder.tracks.selectedTrack?.frameCount ?? 1) > 1;
  } catch {
    return false;
  } finally {
    decoder?.close();
  }
}
