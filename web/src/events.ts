/** Expression events, by the hysteresis rules of the server's `mien.report.events`. */

import type { Event, Frame } from "./api/types";
import { EMOTIONS, type Emotion } from "./vision/labels";

/** Upper and lower hysteresis thresholds of the probability during an event. */
const PEAK_THRESHOLD = 0.5;
const ONSET_THRESHOLD = 0.25;
/** Longest time that a face may be unseen without ending its events; the longer of the two counts. */
const GAP_S = 0.5;
const MISSED_STEPS = 1.5;
/** Longest time between two successive frames that both show a face in which it counts as in view. */
const HOLD_S = 1.5;
/** Number of steps between frames whose median is their usual distance. */
const STEPS = 15;
const CODED = EMOTIONS.filter((name) => name !== "neutral");

/** An expression that currently is at or above `ONSET_THRESHOLD`; times in seconds. */
interface Course {
  readonly track: number;
  readonly expression: Emotion;
  readonly onset: number;
  apex: number;
  last: number;
  peak: number;
}

/** The events of a film whose faces have track ids, in order of onset. */
export function eventsOf(frames: readonly Frame[]): Event[] {
  const courses = new Map<string, Course>();
  const found: Event[] = [];
  const steps: number[] = [];
  let [before, gap] = [Number.NaN, GAP_S];
  const end = (key: string, course: Course, offset: number) => {
    courses.delete(key);
    if (course.peak >= PEAK_THRESHOLD) found.push(eventOf(course, offset));
  };
  const add = (track: number, expression: Emotion, time: number, value: number) => {
    const key = `${track} ${expression}`;
    let course = courses.get(key);
    const limit = course?.last === before ? Math.max(gap, HOLD_S) : gap;
    if (course && !(time >= course.last && time - course.last <= limit)) {
      end(key, course, course.last);
      course = undefined;
    }
    if (value < ONSET_THRESHOLD) {
      if (course) end(key, course, time);
    } else if (!course) {
      courses.set(key, { track, expression, onset: time, apex: time, last: time, peak: value });
    } else {
      if (value > course.peak) Object.assign(course, { apex: time, peak: value });
      course.last = time;
    }
  };
  for (const { time_s: time, faces } of frames) {
    if (time > before) {
      steps.push(time - before);
      if (steps.length > STEPS) steps.shift();
      gap = Math.max(GAP_S, MISSED_STEPS * median(steps));
    }
    for (const { track_id: track, emotions } of faces) {
      if (track !== null) for (const name of CODED) add(track, name, time, emotions[name]);
    }
    for (const [key, course] of courses) {
      const since = time - course.last;
      if (since > gap || since < -GAP_S) end(key, course, course.last);
    }
    before = time;
  }
  for (const [key, course] of courses) end(key, course, course.last);
  return found.sort(byOnset);
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];
}

function eventOf({ track, expression, onset, apex, peak }: Course, offset: number): Event {
  const [onset_s, offset_s] = [rounded(onset, 3), rounded(offset, 3)];
  return {
    track_id: track,
    expression,
    onset_s,
    apex_s: rounded(apex, 3),
    offset_s,
    duration_s: rounded(offset_s - onset_s, 3),
    peak: rounded(peak, 4),
  };
}

function byOnset(a: Event, b: Event): number {
  return a.onset_s - b.onset_s || a.track_id - b.track_id || (a.expression < b.expression ? -1 : 1);
}

const rounded = (value: number, places: number) => Number(value.toFixed(places));
