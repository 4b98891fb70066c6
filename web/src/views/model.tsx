/** Model & limits: the networks, and what they must not be used for. */

import { Button, Lead } from "../components/controls";
import { Limits } from "../components/limits";
import { agreedVersion, agreement, withdraw } from "../consent";
import { processors } from "../device/device";
import { models } from "../state";
import { strings } from "../strings";

const words = strings.model;

function withdrawConsent(): void {
  document.querySelector<HTMLElement>("h1")?.focus({ preventScroll: true });
  withdraw();
}

export function Model() {
  const known = models.value;
  return (
    <>
      <Lead title={words.title}>{words.lead}</Lead>
      <Limits />
      {known && (
        <section>
          <h2>{words.networks}</h2>
          <div class="networks">
            {known.models.map((model) => (
              <dl key={model.file} class="panel">
                <dt>{words.columns.name}</dt>
                <dd>{model.name}</dd>
                <dt>{words.columns.precision}</dt>
                <dd>{model.precision}</dd>
                <dt>{words.columns.version}</dt>
                <dd>{model.version}</dd>
                <dt>{words.columns.checksum}</dt>
                <dd class="code">{model.sha256.slice(0, 16)}…</dd>
                <dt>{words.columns.trained}</dt>
                <dd>{model.trained_on}</dd>
                {processors.value[model.name] && (
                  <>
                    <dt>{words.columns.runs}</dt>
                    <dd>{words.runs[processors.value[model.name]]}</dd>
                  </>
                )}
              </dl>
            ))}
          </div>
          <p class="hint">{words.version(known.version)}</p>
        </section>
      )}
      {agreement.value && (
        <p class="hint">
          {strings.consent.agreed(...agreedVersion(agreement.value), new Date(agreement.value.time).toLocaleString())}{" "}
          <Button tone="quiet" onClick={withdrawConsent}>
            {strings.consent.withdraw}
          </Button>
        </p>
      )}
    </>
  );
}
