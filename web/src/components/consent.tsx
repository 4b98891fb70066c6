/** The notice before the camera opens. */

import { useEffect, useRef } from "preact/hooks";
import type { Models } from "../api/types";
import { place } from "../state";
import { strings } from "../strings";
import { Button } from "./controls";
import { limitsShown } from "./limits";

export function Notice(props: { notice: Models["consent"]; onAgree: () => void; onCancel: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  // Closed and not only removed, it gives the focus back.
  const leave = (answer: () => void) => () => {
    dialog.current?.close();
    answer();
  };
  const words = strings.consent;
  return (
    <dialog ref={dialog} class="notice" aria-labelledby="notice-title" onCancel={props.onCancel}>
      <h2 id="notice-title">{words.title}</h2>
      <dl>
        <dt>{words.what}</dt>
        <dd>
          {props.notice.text.split(/\n\s*\n/).map((paragraph) => (
            <p key={paragraph}>{paragraph}</p>
          ))}
        </dd>
        <dt>{words.where}</dt>
        <dd>
          {place.value === "browser"
            ? `${strings.place.browser}. ${strings.place.browserHint}`
            : `${strings.place.server}. ${strings.place.serverHint}`}
        </dd>
        <dt>{words.kept}</dt>
        <dd>{words.nothing}</dd>
      </dl>
      <p class="hint">
        {words.recorded}{" "}
        <Button tone="quiet" onClick={() => (limitsShown.value = true)}>
          {strings.limits}
        </Button>
      </p>
      <div class="actions">
        <Button tone="primary" onClick={leave(props.onAgree)}>
          {words.agree}
        </Button>
        <Button onClick={leave(props.onCancel)}>{words.notNow}</Button>
      </div>
    </dialog>
  );
}
