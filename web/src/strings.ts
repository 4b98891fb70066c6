/** All user-visible text of the pages, in one place for translation. */

import type { Doubt } from "./vision/judgement";
import type { Emotion, Sentiment } from "./vision/labels";

const emotions: Record<Emotion, string> = {
  neutral: "neutral",
  happiness: "happy",
  surprise: "surprised",
  sadness: "sad",
  anger: "angry",
  disgust: "disgusted",
  fear: "fearful",
  contempt: "contemptuous",
};
const sentiments: Record<Sentiment, string> = { negative: "negative", neutral: "neutral", positive: "positive" };
const doubts: Record<Doubt, string> = {
  small: "the face is small",
  blurred: "the face is blurred",
  "turned away": "the face is turned away",
  occluded: "the face is covered",
  "too dark or too bright": "the face is too dark or too bright",
  ambiguous: "several expressions are plausible",
};

/** Accuracy figures in the card of the expression network. */
export interface Measured {
  readonly fer2013: Figure;
  readonly ferplus: Figure;
  readonly photographs: Figure;
  readonly recall: Readonly<Record<Emotion, number>>;
}
interface Figure {
  readonly n: number;
  readonly accuracy: number;
}

const count = (n: number) => n.toLocaleString("en");
const megabytes = (bytes: number) => `${Math.ceil(bytes / 1e6)}\u00a0MB`;
const share = (value: number) => `${Math.round(value * 100)}\u00a0%`;

function lowestRecall(recall: Measured["recall"]): string {
  const names = (Object.keys(recall) as Emotion[]).sort((a, b) => recall[a] - recall[b]).slice(0, 3);
  return names.map((name) => `${emotions[name]} ${share(recall[name])}`).join(", ");
}

const face = (id: number) => `Face ${id}`;

/** Minutes and seconds, to a tenth. */
function clock(seconds: number): string {
  const tenths = Math.round(seconds * 10);
  return `${Math.floor(tenths / 600)}:${((tenths % 600) / 10).toFixed(1).padStart(4, "0")}`;
}

export const strings = {
  name: "mien",
  /** For search engines, and for browsers without JavaScript. */
  about: "Reads apparent facial expressions on your own machine.",
  noScript: "mien needs JavaScript, because pictures are analysed in this page.",
  skip: "Skip to content",
  views: { live: "Live", photo: "Photo", film: "Film", model: "Model & limits" },
  emotions,
  sentiments,
  place: {
    label: "Read pictures in",
    browser: "This browser",
    server: "This server",
    browserHint: "Pictures stay in this page.",
    serverHint:
      "Pictures go to the server of this page and are not kept. A film is deleted when you stop or leave the page.",
    filmHint: "Pictures stay in this page, but a film and its results are on the server until you stop or leave the page.",
  },
  status: {
    on: "Analysis is on",
    off: "Analysis is off",
    paused: "Paused, camera open",
    requests: (count: number) => `${count} ${count === 1 ? "request" : "requests"} since analysis began`,
  },
  footer: "An expression is not a feeling. Readings are often wrong.",
  limits: "What mien cannot do",
  close: "Close",
  appears: (emotion: Emotion) => `Expression appears ${emotions[emotion]}`,
  uncertain: (doubt: Doubt) => `Uncertain: ${doubts[doubt]}`,
  percent: share,
  signed: (value: number, places = 2) => {
    const shown = Math.abs(value).toFixed(places);
    // Zero after rounding has no sign.
    const sign = Number(shown) === 0 ? "" : value < 0 ? "−" : "+";
    return `${sign}${shown}`;
  },
  seconds: (value: number, places = 0) => `${value.toFixed(places)}\u00a0s`,
  clock,
  face,
  valence: "Valence",
  arousal: "Arousal",
  loadingModels: "Loading the networks …",
  stop: "Stop and forget",
  retry: "Try again",
  consent: {
    title: "Before the camera opens",
    what: "What is analysed",
    where: "Where",
    kept: "What is kept",
    nothing: "Nothing. Pictures and readings are discarded when you stop.",
    agree: "I agree, open the camera",
    notNow: "Not now",
    recorded: "Only the version of this notice and the time of your agreement are stored, in this browser.",
    agreed: (version: string, server: boolean, time: string) =>
      `Notice ${version}${server ? " for this server" : ""}, agreed on ${time}`,
    withdraw: "Withdraw",
  },
  live: {
    title: "Live",
    lead: "Open the camera to see how expressions appear, moment by moment.",
    open: "Open the camera",
    camera: "Camera",
    pause: "Pause",
    resume: "Resume",
    save: "Save readings",
    now: "Sentiment now",
    session: "This session",
    noFace: "No face in view.",
    noFaceHint: "Move into the light and face the camera.",
    chart: (id?: number) => (id === undefined ? "Last minute" : `Last minute, ${face(id)}`),
    opening: "Waiting for the camera. Your browser may ask you to allow it.",
    rate: (perSecond: number, delay: number) => `${perSecond.toFixed(1)} readings per second, ${Math.round(delay)} ms each`,
    empty: "Nothing is analysed until you open the camera.",
    preview: (mirrored: boolean) => (mirrored ? "Camera picture, mirrored" : "Camera picture"),
  },
  photo: {
    title: "Photo",
    lead: "Add photographs to see a reading beside each.",
    drop: "Drop photographs here",
    choose: "Choose photographs",
    hint: "JPEG, PNG, WebP and other formats that your browser can show. You can choose several.",
    progress: (read: number, all: number, faces: number, failed: number) =>
      `${read} of ${all} read, ${faces} ${faces === 1 ? "face" : "faces"}${failed ? `, ${failed} failed` : ""}`,
    reading: "Reading …",
    noFace: "No face was found in this picture.",
    showMap: "Show activation map",
    hideMap: "Hide activation map",
    json: "Download JSON",
    csv: "Download CSV",
    retryFailed: "Try the failed ones again",
    clear: "Remove all",
    remove: (name: string) => `Remove ${name}`,
    alt: (name: string, count: number) => `${name}, ${count} ${count === 1 ? "face" : "faces"} marked`,
    found: (count: number) => (count === 1 ? "1 face" : `${count} faces`),
  },
  film: {
    title: "Film",
    lead: "Choose a film to see a timeline of its expressions.",
    drop: "Drop a film here",
    choose: "Choose a film",
    hint: "MP4, WebM, MOV and other common formats.",
    hintBrowser: "MP4 and WebM; five frames per second are read.",
    uploading: "Uploading the film",
    waiting: "Waiting in the queue",
    reading: "Reading the film",
    frames: (read: number, total: number | null) => (total ? `${read} of ${total} frames` : `${read} frames`),
    cancel: "Cancel",
    another: "Another film",
    onServer: "Read it on this server",
    onlyOne: (name: string) => `Only one film is read at a time. This is ${name}.`,
    stopFirst: "Only one film is read at a time. Stop and forget this one before you open another.",
    moment: "At this moment",
    timeline: "Timeline: click, or use the arrow keys, to go to a moment",
    timelineOf: "Timeline of",
    events: "Events",
    eventsLead:
      "An event is an expression other than neutral with a probability that reaches 50\u00a0%. It lasts as long as that is at least 25\u00a0%.",
    noEvents: "No events were found.",
    columns: {
      face: "Face",
      expression: "Appears",
      onset: "Onset",
      apex: "Apex",
      offset: "Offset",
      duration: "Duration",
      peak: "Peak",
    },
    goTo: (time: string) => `Go to ${time}`,
    noFace: "No face was found in this film.",
    cutOff: (time: number, problem: string) => `Only the film up to ${clock(time)} was read. ${problem}`,
    downloads: {
      json: "Readings, JSON",
      csv: "Readings, CSV",
      events: "Events, CSV",
      eaf: "Events, ELAN",
      report: "HTML report",
      film: "Annotated film",
    } as Record<string, string>,
    openReport: "Open the report",
    downloadsTitle: "Downloads",
    serverOnly: "To get a report, an ELAN document and an annotated film, let this server read the film.",
    cannotPlay: {
      annotated: "Your browser cannot play this film; its annotated copy is shown.",
      none: "Your browser cannot play this film; its readings are below.",
    },
    gone: "The server no longer has this film. The results shown here stay until you leave the page, and can be downloaded.",
  },
  model: {
    title: "Model & limits",
    lead: "The networks, how accurate they are, and what they must not be used for.",
    meaning: "What a reading does not mean",
    meaningText: [
      "An expression is not a feeling. mien estimates how a face appears to the people who labelled its training pictures. It cannot know what a person feels, thinks or intends.",
      "It is wrong about one face in seven to one in three, and more often for disgust, fear and contempt and for small, dark, turned or covered faces.",
      "Differences in accuracy between ages, genders, skin tones and cultures have not been measured yet. Expect them.",
    ],
    accuracy: "How accurate it is",
    accuracyText: (measured: Measured) => [
      `On ${count(measured.ferplus.n)} faces labelled by ten people, it agrees with the majority in ${share(measured.ferplus.accuracy)} of the cases; on ${count(measured.fer2013.n)} faces labelled by one person, in ${share(measured.fer2013.accuracy)}. On ${count(measured.photographs.n)} whole news photographs, it agrees with the annotator in ${share(measured.photographs.accuracy)}.`,
      `Lowest recall: ${lowestRecall(measured.recall)}.`,
    ],
    never: "Do not use it",
    neverText: [
      "to judge people: hiring, schooling, policing, border control, insurance, credit, medical or legal decisions;",
      "on people who do not know or have not agreed;",
      "at work or in schools in the EU, where the AI Act prohibits it (Article 5(1)(f)); elsewhere there, people must be told (Article 50(3)).",
    ],
    how: "How to read the numbers",
    howText: [
      "The eight probabilities sum to 100 %. They are calibrated on held-out faces like those used in training.",
      "“Uncertain” states why a reading should not be relied on: the face is small, blurred, turned away, covered, or too dark or too bright, or the reading is ambiguous.",
      "Valence runs from −1 (unpleasant) to +1 (pleasant), arousal from calm to excited; both are computed from the probabilities.",
    ],
    networks: "Networks in use",
    columns: {
      name: "Network",
      precision: "Precision",
      version: "Version",
      checksum: "SHA-256",
      trained: "Trained on",
      runs: "In this page",
    },
    runs: { wasm: "runs on the CPU (WebAssembly)", webgpu: "runs on the GPU (WebGPU)" },
    version: (version: string) => `mien ${version}`,
  },
  token: {
    title: "This server requires a token",
    label: "Token",
    hint: "Ask the person who runs the server for it.",
    open: "Open",
    noCookies: "This browser did not keep the cookie that holds your access. Allow cookies for this page, then try again.",
  },
  errors: {
    unexpected: "Something went wrong. Try again; if that does not help, reload the page.",
    serverUnreachable: "The server cannot be reached. Check that it is running, then try again.",
    reconnecting: "The server cannot be reached. Trying again automatically.",
    undeleted:
      "A film that you stopped is still on the server, which could not be told to delete it. Trying again automatically.",
    serverBusy: (seconds: number) => `The server is busy. Trying again in ${seconds}\u00a0s.`,
    tooLarge: (name: string, size: number, limit: number) =>
      `${name} is ${megabytes(size)}; this server accepts at most ${megabytes(limit)}. Read it in this browser, or make it smaller.`,
    loadFailed: "The networks could not be started in this browser. Try again, or let this server read.",
    readFailed: "This browser could not finish the reading. Try again, or let this server read.",
    tooManyConnections: "The server has reached its limit of live connections. Trying again automatically.",
    modelsNotLoaded: "The networks could not be loaded from the server. Check that it is running.",
    cameraDenied: "Access to the camera was denied. Allow it for this page in the browser's settings, then try again.",
    noCamera: "No camera was found. Connect one, then try again.",
    cameraBusy: "The camera is in use by another program. Close that program, then try again.",
    cameraLost: "The camera was disconnected. Reconnect it, then try again.",
    insecurePage: "Browsers open cameras only on secure pages. Use https, or 127.0.0.1 on this machine.",
    notAFile: (name: string) =>
      `${name} cannot be opened. If it is a folder, choose the files in it; if it was moved or changed, choose it again.`,
    empty: (name: string) => `${name} is empty. Choose another file.`,
    notAPicture: (name: string) => `${name} cannot be displayed by this browser. Convert it to JPEG or PNG.`,
    notAPhoto: (name: string) => `${name} is not a still picture. Open it in Film.`,
    notAFilm: "This is a still picture. Open it in Photo.",
    noPictures: "This browser finds no pictures in that film, only sound. Let this server read it, or convert it to MP4.",
    filmUnreadable: "This browser cannot read that film. Let this server read it, or convert it to MP4.",
  },
} as const;
