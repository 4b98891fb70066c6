/** Cameras: opening, listing, and error messages. */

import { strings } from "../strings";

export async function openCamera(deviceId: string): Promise<MediaStream> {
  if (!navigator.mediaDevices) throw new Error(strings.errors.insecurePage);
  const video: MediaTrackConstraints = {
    width: { ideal: 640 },
    height: { ideal: 480 },
    ...(deviceId ? { deviceId: { exact: deviceId } } : { facingMode: "user" }),
  };
  try {
    return await navigator.mediaDevices.getUserMedia({ video, audio: false });
  } catch (error) {
    const name = error instanceof DOMException ? error.name : "";
    // The chosen camera is gone: use any other.
    if (deviceId && (name === "OverconstrainedError" || name === "NotFoundError")) return openCamera("");
    throw new Error(messageOf(name));
  }
}

export async function listCameras(): Promise<MediaDeviceInfo[]> {
  const devices = await navigator.mediaDevices.enumerateDevices();
  return devices.filter(({ kind, deviceId }) => kind === "videoinput" && deviceId);
}

function messageOf(name: string): string {
  if (name === "NotAllowedError" || name === "SecurityError") return strings.errors.cameraDenied;
  if (name === "NotReadableError") return strings.errors.cameraBusy;
  return strings.errors.noCamera;
}
