/** All texts of the pages, in one place for translation. */

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

function rarest(recall: Measured["recall"]): string {
  const names = (Object.keys(recall) as Emotion[]).sort((a, b) => recall[a] - recall[b]).slice(0, 3);
  return names.map((name) => `${emotions[name]} ${share(recall[name])}`).join(", ");
}

export const strings = {
  name: "mien",
  /** For search engines, and for browsers without JavaScript. */
  about: "Reads how facial expressions appear, on your own machine.",
  noScript: "mien needs JavaScript: pictures are read in this page, not elsewhere.",
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
      "Pictures go to the server that gave you this page and are not kept; a film is deleted when you stop or leave.",
  },
  status: {
    on: "Analysis is on",
    off: "Analysis is off",
    paused: "Paused, camera open",
    requests: (count: number) => `${count} ${count === 1 ? "request" : "requests"} since it began`,
  },
  footer: "An expression is not a feeling. Readings are often wrong.",
  limits: "What mien cannot do",
  close: "Close",
  appears: (emotion: Emotion) => `Expression appears ${emotions[emotion]}`,
  uncertain: (doubt: Doubt) => `Uncertain: ${doubts[doubt]}`,
  percent: (share: number) => `${Math.round(share * 100)}\u00a0%`,
  signed: (value: number, places = 2) => {
    const shown = Math.abs(value).toFixed(places);
    // Zero after rounding has no sign.
    const sign = Number(shown) === 0 ? "" : value < 0 ? "−" : "+";
    return `${sign}${shown}`;
  },
  seconds: (value: number, places = 0) => `${value.toFixed(places)}\u00a0s`,
  clock: (seconds: number) => {
    const tenths = Math.round(seconds * 10);
    return `${Math.floor(tenths / 600)}:${((tenths % 600) / 10).toFixed(1).padStart(4, "0")}`;
  },
  face: (id: number) => `Face ${id}`,
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
    nothing: "Nothing. Numbers and pictures are forgotten when you stop.",
    agree: "I agree, open the camera",
    notNow: "Not now",
    recorded: "Only the version of this notice and the time at which you agree are noted, in this browser.",
    agreed: (version: string, server: boolean, time: string) =>
      `Notice ${version}${server ? " for this server" : ""}, agreed on ${time}`,
    withdraw: "Withdraw",
  },
  live: {
    title: "Live",
    lead: "Open the camera and see how expressions appear, moment by moment.",
    open: "Open the camera",
    camera: "Camera",
    pause: "Pause",
    resume: "Resume",
    snapshot: "Save the numbers",
    now: "Sentiment now",
    session: "Over this session",
    noFace: "No face in view.",
    noFaceHint: "Move into the light and face the camera.",
    chart: "Last minute, first face",
    rate: (perSecond: number, delay: number) => `${perSecond.toFixed(1)} readings a second, ${Math.round(delay)} ms each`,
    empty: "Nothing is analysed until you open the camera.",
    preview: (mirrored: boolean) => (mirrored ? "Camera picture, mirrored" : "Camera picture"),
  },
  photo: {
    title: "Photo",
    lead: "Drop photographs and see the reading beside each.",
    drop: "Drop photographs here",
    choose: "Choose photographs",
    hint: "JPEG, PNG, WebP and other formats that your browser can show. Several at once are fine.",
    progress: (read: number, all: number, faces: number) =>
      `${read} of ${all} read, ${faces} ${faces === 1 ? "face" : "faces"}`,
    reading: "Reading …",
    noFace: "No face was found in this picture.",
    map: "Show where it looked",
    hideMap: "Hide where it looked",
    json: "Download JSON",
    csv: "Download CSV",
    clear: "Remove all",
    remove: (name: string) => `Remove ${name}`,
    alt: (name: string, count: number) => `${name}, ${count} ${count === 1 ? "face" : "faces"} marked`,
    found: (count: number) => (count === 1 ? "1 face" : `${count} faces`),
  },
  film: {
    title: "Film",
    lead: "Choose a film; its timeline appears when it has been read.",
    drop: "Drop a film here",
    choose: "Choose a film",
    hint: "MP4, WebM, MOV and other common formats.",
    hintBrowser: "MP4 and WebM; five frames per second are read.",
    uploading: "Sending the film",
    waiting: "Waiting for its turn",
    reading: "Reading the film",
    frames: (read: number, total: number | null) => (total ? `${read} of ${total} frames` : `${read} frames`),
    cancel: "Cancel",
    another: "Another film",
    onlyOne: (name: string) => `One film is read at a time: this one is ${name}.`,
    stopFirst: "One film is read at a time. Stop and forget this one, then open the other.",
    moment: "At this moment",
    timeline: "Timeline: press, or use the arrow keys, to go to a moment",
    whose: "Timeline of",
    events: "Events",
    eventsLead:
      "An event is an expression other than neutral that reaches 50\u00a0%. It lasts from where it last rose above 25\u00a0% to where it falls below.",
    none: "There were no events.",
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
    serverOnly: "A report, a document for ELAN and an annotated film are made when this server reads the film.",
    cannotPlay: {
      drawn: "Your browser cannot play this film; its annotated copy is shown.",
      none: "Your browser cannot play this film; its readings are below.",
    },
    gone: "The server no longer has this film. What is shown here stays until you leave, and can be downloaded.",
  },
  model: {
    title: "Model & limits",
    lead: "The networks, how well they read, and what they must not be used for.",
    not: "What a reading is not",
    notText: [
      "An expression is not a feeling. mien says how a face appears to the people who named its training pictures; it cannot know what somebody feels, thinks or intends.",
      "It is wrong about one face in three to seven, more often for disgust, fear and contempt, and on small, dark, turned or covered faces.",
      "Differences between ages, genders, skin tones and cultures have not been measured yet. Expect them.",
    ],
    well: "How well it reads",
    wellText: (measured: Measured) => [
      `Of ${count(measured.ferplus.n)} faces that ten people had named, it named ${share(measured.ferplus.accuracy)} as most of them did; of ${count(measured.fer2013.n)} that one person had named, ${share(measured.fer2013.accuracy)}. Of ${count(measured.photographs.n)} whole news photographs it read ${share(measured.photographs.accuracy)} as their annotator did.`,
      `Least often found: ${rarest(measured.recall)}.`,
    ],
    never: "Do not use it",
    neverText: [
      "to judge people: hiring, schooling, policing, border control, insurance, credit, medical or legal decisions;",
      "on people who do not know or have not agreed;",
      "at work or in schools in the EU, where the AI Act prohibits it (Article 5(1)(f)); elsewhere there, people must be told (Article 50(3)).",
    ],
    how: "How to read the numbers",
    howText: [
      "Eight probabilities sum to 100 %. They are calibrated on held-out faces like those of the training.",
      "“Uncertain” says why a reading should not be relied on: small, blurred, turned away, covered, too dark or too bright, or ambiguous.",
      "Valence runs from −1 (unpleasant) to +1 (pleasant), arousal from calm to excited; both follow from the probabilities.",
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
    runs: { wasm: "runs on the processor (WebAssembly)", webgpu: "runs on the graphics processor (WebGPU)" },
    version: (version: string) => `mien ${version}`,
  },
  token: {
    title: "This server asks for a token",
    label: "Token",
    hint: "Whoever runs the server has it.",
    open: "Open",
  },
  errors: {
    unexpected: "Something went wrong. Try again; if that does not help, reload the page.",
    serverAway: "The server cannot be reached. Check that it runs, then try again.",
    serverGone: "The server cannot be reached. Trying again automatically.",
    later: (seconds: number) => `The server is busy. Trying again in ${seconds}\u00a0s.`,
    tooLarge: (name: string, size: number, most: number) =>
      `${name} has ${megabytes(size)}; this server accepts at most ${megabytes(most)}. Read it in this browser, or make it smaller.`,
    loadFailed: "The networks could not be started in this browser. Try again, or let this server read.",
    readFailed: "This browser could not finish the reading. Try again, or let this server read.",
    tooMany: "The server's limit of live connections is reached. Trying again automatically.",
    offlineModels: "The networks could not be loaded from the server. Check that it runs.",
    refused: "The camera was refused. Allow it for this page in the browser's settings, then try again.",
    noCamera: "No camera was found. Connect one, then try again.",
    busy: "The camera is used by another program. Close that, then try again.",
    lost: "The camera was disconnected. Connect it, then try again.",
    insecure: "Browsers open cameras only on secure pages. Use https, or 127.0.0.1 on this machine.",
    notAFile: (name: string) =>
      `${name} cannot be opened. If it is a folder, choose the files in it; if it was moved or changed, choose it again.`,
    empty: (name: string) => `${name} is empty. Choose another file.`,
    notAPicture: (name: string) => `${name} cannot be shown by this browser. Convert it to JPEG or PNG.`,
    notAPhoto: (name: string) => `${name} moves. Open it in Film.`,
    notAFilm: "This is a picture. Open it in Photo.",
    noPictures: "This browser finds no pictures in that film, only sound. Let this server read it, or convert it to MP4.",
    filmUnreadable: "This browser cannot read that film. Let this server read it, or convert it to MP4.",
  },
} as const;
