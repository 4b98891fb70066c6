/** The frame of every view: header, status line, footer, connection problems, token form. */

import { useState } from "preact/hooks";
import { openSession, tokenNeeded, undeleted } from "../api/client";
import { requests } from "../api/traffic";
import { activeStage, film, forgetFilm } from "../live/film";
import { changePlace, watch } from "../live/watch";
import { analysing, connect, connectionProblem, messageOf, place, sendsToServer, type View, view } from "../state";
import { strings } from "../strings";
import { Alert, Button, Switch } from "./controls";
import { limitsShown } from "./limits";

export function Header() {
  return (
    <header class="top">
      <a class="brand" href="#/live">
        <img src="/icon.svg" alt="" width="28" height="28" />
        {strings.name}
      </a>
      <nav aria-label={strings.name}>
        {(Object.keys(strings.views) as View[]).map((name) => (
          <a key={name} href={`#/${name}`} aria-current={view.value === name ? "page" : undefined}>
            {strings.views[name]}
          </a>
        ))}
      </nav>
      <Switch
        label={strings.place.label}
        value={place.value}
        options={[
          ["browser", strings.place.browser],
          ["server", strings.place.server],
        ]}
        onChange={changePlace}
      />
    </header>
  );
}

export function StatusLine() {
  const paused = watch.phase.value === "paused";
  const filmOpen = activeStage.value || (view.value === "film" && film.value?.stage === "done");
  const stop = watch.phase.value !== "closed" ? () => watch.close() : filmOpen ? forgetFilm : null;
  const filmOnServer = film.value?.job || undeleted.value.size > 0;
  const { browserHint, serverHint, filmHint } = strings.place;
  const state = paused ? strings.status.paused : analysing.value ? strings.status.on : strings.status.off;
  return (
    <div class="status">
      <div class="state" data-on={analysing.value || paused}>
        <span class="lamp" aria-hidden="true" />
        <strong role="status">{state}</strong>
        {analysing.value && <span data-testid="requests">{strings.status.requests(requests.value)}</span>}
        {stop && (
          <Button tone="danger" onClick={stop}>
            {strings.stop}
          </Button>
        )}
      </div>
      <p>{sendsToServer.value ? serverHint : filmOnServer ? filmHint : browserHint}</p>
    </div>
  );
}

export function Footer() {
  // Leaving the view would close the camera and discard its readings.
  const stay = (event: Event) => {
    if (view.value !== "live") return;
    event.preventDefault();
    limitsShown.value = true;
  };
  return (
    <footer class="bottom">
      <p>{strings.footer}</p>
      <a href="#/model" onClick={stay}>
        {strings.limits}
      </a>
    </footer>
  );
}

export function ConnectionAlerts() {
  return (
    <>
      {connectionProblem.value && <Alert>{connectionProblem.value}</Alert>}
      {undeleted.value.size > 0 && <Alert>{strings.errors.undeleted}</Alert>}
    </>
  );
}

export function TokenForm() {
  const [token, setToken] = useState("");
  const [problem, setProblem] = useState<string | null>(null);
  if (!tokenNeeded.value) return null;
  const submit = async (event: Event) => {
    event.preventDefault();
    try {
      await openSession(token);
      setToken("");
      setProblem(null);
      await connect();
      if (tokenNeeded.value) setProblem(strings.token.noCookies);
    } catch (error) {
      setProblem(messageOf(error));
    }
  };
  return (
    <form class="panel token" onSubmit={submit}>
      <h1 tabIndex={-1}>{strings.token.title}</h1>
      <label class="field">
        {strings.token.label}
        <input
          type="password"
          autocomplete="current-password"
          value={token}
          onInput={(event) => setToken(event.currentTarget.value)}
        />
      </label>
      <p class="hint">{strings.token.hint}</p>
      {problem && <Alert>{problem}</Alert>}
      <Button tone="primary" type="submit">
        {strings.token.open}
      </Button>
    </form>
  );
}
