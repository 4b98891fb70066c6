/** Limits and accuracy of mien, as a view and as a dialog over others. */

import { signal } from "@preact/signals";
import { useRef } from "preact/hooks";
import { models } from "../state";
import { type Measured, strings } from "../strings";
import { Button } from "./controls";
import { useModal } from "./hooks";

const words = strings.model;

/** Whether the dialog is open. */
export const limitsShown = signal(false);

export function Limits() {
  const expression = models.value?.models.find(({ name }) => name === "expression");
  const measured = expression?.extra.measured as Measured | undefined;
  return (
    <div class="prose">
      <Section title={words.meaning} lines={words.meaningText} />
      {measured && <Section title={words.accuracy} lines={words.accuracyText(measured)} />}
      <Section title={words.never} lines={words.neverText} list />
      <Section title={words.how} lines={words.howText} />
    </div>
  );
}

export function LimitsDialog() {
  const dialog = useRef<HTMLDialogElement>(null);
  const shown = limitsShown.value;
  useModal(dialog, shown);
  return (
    <dialog ref={dialog} class="notice wide" aria-label={strings.limits} onClose={() => (limitsShown.value = false)}>
      {shown && (
        <>
          <Limits />
          <div class="actions">
            <Button tone="primary" onClick={() => dialog.current?.close()}>
              {strings.close}
            </Button>
          </div>
        </>
      )}
    </dialog>
  );
}

function Section({ title, lines, list }: { title: string; lines: readonly string[]; list?: boolean }) {
  return (
    <section>
      <h2 tabIndex={-1}>{title}</h2>
      {list ? (
        <ul>
          {lines.map((line) => (
            <li key={line}>{line}</li>
          ))}
        </ul>
      ) : (
        lines.map((line) => <p key={line}>{line}</p>)
      )}
    </section>
  );
}
