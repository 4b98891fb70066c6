import { render } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { tokenNeeded } from "./api/client";
import { observeRequests, requests } from "./api/traffic";
import { ConnectionAlerts, Footer, Header, StatusLine, TokenForm } from "./components/frame";
import { refuseDrops } from "./components/hooks";
import { LimitsDialog } from "./components/limits";
import { agreement, followStorage } from "./consent";
import { watch } from "./live/watch";
import { connect, view, viewOf } from "./state";
import { strings } from "./strings";
import "./style/base.css";
import "./style/parts.css";
import { Film } from "./views/film";
import { Live } from "./views/live";
import { Model } from "./views/model";
import { Photo } from "./views/photo";

const VIEWS = { live: Live, photo: Photo, film: Film, model: Model };

function App() {
  const View = VIEWS[view.value];
  const shown = tokenNeeded.value ? "token" : view.value;
  const previous = useRef<string>(shown);
  useEffect(() => {
    if (previous.current === shown) return;
    previous.current = shown;
    scrollTo(0, 0);
    document.querySelector<HTMLElement>("h1")?.focus({ preventScroll: true });
  }, [shown]);
  return (
    <>
      <a class="skip" href="#content" onClick={skip}>
        {strings.skip}
      </a>
      <Header />
      <StatusLine />
      <main id="content" tabIndex={-1}>
        <ConnectionAlerts />
        <TokenForm />
        {!tokenNeeded.value && <View />}
      </main>
      <Footer />
      <LimitsDialog />
    </>
  );
}

function skip(event: Event): void {
  event.preventDefault();
  document.getElementById("content")?.focus();
}

function updateTitle(): void {
  document.title = `${strings.views[view.value]} · ${strings.name}`;
}

addEventListener("hashchange", () => {
  view.value = viewOf(location.hash);
  updateTitle();
});
updateTitle();
refuseDrops();
addEventListener("storage", (event) => {
  followStorage(event);
  if (!agreement.value) watch.close();
});
// The API client counts its own requests, as they are sent.
observeRequests(
  (count) => {
    requests.value += count;
  },
  ["fetch", "xmlhttprequest"],
);
void connect();
render(<App />, document.getElementById("app") as HTMLElement);
