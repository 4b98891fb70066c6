/** What surrounds every view: name, views, place, state. */

import { useState } from "preact/hooks";
import { openSession, tokenNeeded } from "../api/client";
import { requests } from "../live/traffic";
import { move } from "../live/watch";
import { analysing, connect, leaving, place, trouble, type View, view } from "../state";
import { strings } from "../strings";
import { Alert, Button, Switch } from "./controls";

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
        onChange={move}
      />
    </header>
  );
}

export function StatusLine() {
  const here = !leaving.value;
  return (
    <div class="status" data-on={analysing.value}>
      <span class="lamp" aria-hidden="true" />
      <strong role="status">{analysing.value ? strings.status.on : strings.status.off}</strong>
      <span>{here ? strings.place.browserHint : strings.place.serverHint}</span>
      {analysing.value && <span data-testid="requests">{strings.status.requests(requests.value)}</span>}
    </div>
  );
}

export function Footer() {
  return (
    <footer class="bottom">
      <p>{strings.footer}</p>
      <a href="#/model">{strings.limits}</a>
    </footer>
  );
}

export function Trouble() {
  return trouble.value ? <Alert>{trouble.value}</Alert> : null;
}

export function TokenForm() {
  const [token, setToken] = useState("");
  const [problem, setProblem] = useState<string | null>(null);
  if (!tokenNeeded.value) return null;
  const submit = async (event: Event) => {
    event.preventDefault();
    try {
      await openSession(token);
      await connect();
    } catch (error) {
      setProblem(error instanceof Error ? error.message : strings.errors.unexpected);
    }
  };
  return (
    <form class="panel token" onSubmit={submit}>
      <h2>{strings.token.title}</h2>
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
