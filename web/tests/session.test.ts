import { describe, expect, it } from "vitest";
import { Session, WINDOW_S } from "../src/live/session";
import { made } from "./faces";

describe("a live session", () => {
  it("sums sentiment over time and keeps a window", () => {
    const session = new Session();
    for (let time = 0; time <= 100; time += 0.5) session.add(time, made(time < 50 ? "happiness" : "anger"));
    expect(session.share("positive")).toBeCloseTo(0.5, 1);
    expect(session.columns[0][0]).toBe(100 - WINDOW_S);
    expect(session.columns).toHaveLength(10);
  });

  it("does not join two faces", () => {
    const session = new Session();
    for (const [time, id] of [[0, 1], [1, 1], [2, 4]]) session.add(time, made("happiness"), id);
    session.add(3, null);
    session.add(4, made("happiness"), 4);
    const [times, neutral] = session.columns;
    expect(times).toEqual([0, 1, 1.5, 2, 3, 4]);
    expect(neutral.map((value) => value === null)).toEqual([false, false, true, false, true, false]);
    expect(session.perSecond).toBe(1);
  });

  it("does not join readings across a pause", () => {
    const session = new Session();
    for (const time of [1, 1.5, 11.5, 12]) session.add(time, made("happiness"));
    const [times, ...rest] = session.columns;
    expect(times).toEqual([1, 1.5, 6.5, 11.5, 12]);
    for (const column of rest) expect(column.map((value) => value === null)).toEqual([false, false, true, false, false]);
    expect(session.seconds.positive).toBe(2);
  });

  it("measures readings per second from the first readings on", () => {
    const session = new Session();
    session.add(0, null);
    expect(session.perSecond).toBeNull();
    for (const time of [0.5, 1]) session.add(time, null);
    expect(session.perSecond).toBe(2);
    for (let time = 1.25; time <= 10; time += 0.25) session.add(time, null);
    expect(session.perSecond).toBe(4);
  });
});
