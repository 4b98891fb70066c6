/** Model & limits: what reads, and what it must not be used for. */

import { Button, Lead } from "../components/controls";
import { agreement, withdraw } from "../consent";
import { processors } from "../device/device";
import { models } from "../state";
import { type Measured, strings } from "../strings";

const words = strings.model;

export function Model() {
  const known = models.value;
  const measured = known?.models.find(({ name }) => name === "expression")?.extra.measured as Measured | undefined;
  return (
    <>
      <Lead title={words.title}>{words.lead}</Lead>
      <div class="prose">
        <Section title={words.not} lines={words.notText} />
        {measured && <Section title={words.well} lines={words.wellText(measured)} />}
        <Section title={words.never} lines={words.neverText} list />
        <Section title={words.how} lines={words.howText} />
      </div>
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
          {strings.consent.agreed(agreement.value.version, new Date(agreement.value.time).toLocaleString())}{" "}
          <Button tone="quiet" onClick={withdraw}>
            {strings.consent.withdraw}
          </Button>
        </p>
      )}
    </>
  );
}

function Section({ title, lines, list }: { title: string; lines: readonly string[]; list?: boolean }) {
  return (
    <section>
      <h2>{title}</h2>
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
