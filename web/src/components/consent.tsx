/** The notice before the camera opens. */

import { useRef } from "preact/hooks";
import type { ConsentNotice } from "../api/types";
import { place } from "../state";
import { strings } from "../strings";
import { Button } from "./controls";
import { useModal } from "./hooks";
import { limitsShown } from "./limits";

export function Notice(props: { notice: ConsentNotice; onAgree: () => void; onCancel: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  useModal(dialog);
  // Closing the dialog, not only removing it, restores the focus.
  const leave = (answer: () => void) => () => {
    dialog.current?.close();
    answer();
  };
  const words = strings.consent;
  const { notice } = props;
  const hint = place.value === "browser" ? strings.place.browserHint : strings.place.serverHint;
  return (
    <dialog ref={dialog} class="notice" aria-labelledby="notice-title" onCancel={leave(props.onCancel)}>
      <h2 id="notice-title" tabIndex={-1}>{words.title}</h2>
      <dl>
        <dt>{words.what}</dt>
        <dd>
          <Paragraphs text={notice.text} />
        </dd>
        <dt>{words.where}</dt>
        <dd>
          <Paragraphs text={`${strings.place[place.value]}. ${notice.where ?? hint}`} />
        </dd>
        <dt>{words.kept}</dt>
        <dd>
          <Paragraphs text={notice.kept ?? words.nothing} />
        </dd>
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

function Paragraphs({ text }: { text: string }) {
  return text.split(/\n\s*\n/).map((paragraph) => <p key={paragraph}>{paragraph}</p>);
}
