/** Every word that the pages show, in one place for translation. */

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

/** What the card of the expression network says of itself. */
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
const share = (value: number) => `${Math.round(value * 100)}\u00a0%`;

function rarest(recall: Measured["recall"]): string {
  const names = (Object.keys(recall) as Emotion[]).sort((a, b) => recall[a] - recall[b]).slice(0, 3);
  return names.map((name) => `${emotions[name]} ${share(recall[name])}`).join(", ");
}

export const strings = {
  name: "mien",
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
    requests: (count: number) => `${count} ${count === 1 ? "request" : "requests"} since it began`,
  },
  footer: "An expression is not a feeling. Readings are often wrong.",
  limits: "What mien cannot do",
  appears: (emotion: Emotion) => `Expression appears ${emotions[emotion]}`,
  uncertain: (reason: string) => `Uncertain: ${reason}`,
  percent: (share: number) => `${Math.round(share * 100)}\u00a0%`,
  signed: (value: number) => `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(2)}`,
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
    agreed: (version: string, time: string) => `Notice ${version}, agreed on ${time}`,
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
    preview: "Camera picture, mirrored",
  },
  photo: {
    title: "Photo",
    lead: "Drop photographs and see the reading beside each.",
    drop: "Drop photographs here",
    choose: "Choose photographs",
    hint: "JPEG, PNG, WebP and what else your browser shows. Several at once are fine.",
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
    lead: "Choose a film; its timeline appears while you wait.",
    drop: "Drop a film here",
    choose: "Choose a film",
    hint: "MP4, WebM, MOV and other usual kinds.",
    hintBrowser: "MP4 and WebM; five moments of each second are read.",
    uploading: "Sending the film",
    reading: "Reading the film",
    frames: (read: number, total: number | null) => (total ? `${read} of ${total} frames` : `${read} frames`),
    cancel: "Cancel",
    another: "Another film",
    moment: "At this moment",
    timeline: "Timeline: press, or use the arrow keys, to go to a moment",
    whose: "Timeline of",
    events: "Events",
    eventsLead:
      "An event is an expression other than neutral that reaches 50\u00a0%: from where it last rose above 25\u00a0% to where it falls below.",
    none: "There was none.",
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
    cannotPlay: "Your browser cannot play this film; its readings are below.",
  },
  model: {
    title: "Model & limits",
    lead: "What reads, how well, and what it must not be used for.",
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
      "“Uncertain” says why a reading should not be relied on: small, blurred, turned away, too dark or too bright, or ambiguous.",
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
    unexpected: "Something went wrong. Try again; if it stays, reload the page.",
    serverAway: "The server cannot be reached. Check that it runs, then try again.",
    serverGone: "The server cannot be reached. It is tried again on its own.",
    tooMany: "As many as the server allows are watching. It is tried again on its own.",
    offlineModels: "The networks could not be loaded from the server. Check that it runs.",
    refused: "The camera was refused. Allow it for this page in the browser's settings, then try again.",
    noCamera: "No camera was found. Connect one, then try again.",
    busy: "The camera is used by another program. Close that, then try again.",
    lost: "The camera was disconnected. Connect it, then try again.",
    insecure: "Browsers open cameras only on secure pages. Use https, or 127.0.0.1 on this machine.",
    notAPicture: (name: string) => `${name} cannot be shown by this browser. Convert it to JPEG or PNG.`,
    notAPhoto: (name: string) => `${name} moves. Open it in Film.`,
    notAFilm: "This is a picture. Open it in Photo.",
    filmUnreadable: "This browser cannot read that film. Let this server read it, or convert it to MP4.",
  },
} as const;
