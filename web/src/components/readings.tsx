/** The reading of one face, as text and bars. */

import type { Face } from "../api/types";
import { strings } from "../strings";
import { EMOTIONS } from "../vision/labels";

export function FaceCard({ title, face, level = 2 }: { title: string; face: Face; level?: 2 | 3 }) {
  const Heading = `h${level}` as const;
  return (
    <article class="face" data-uncertain={face.uncertain}>
      <header>
        <Heading>{title}</Heading>
        <span class={`chip ${face.sentiment}`}>{strings.sentiments[face.sentiment]}</span>
      </header>
      <p class="appears">{strings.appears(face.top)}</p>
      {face.uncertain_reason && <p class="doubt">{strings.uncertain(face.uncertain_reason)}</p>}
      <Bars face={face} />
      <dl class="affect">
        <div>
          <dt>{strings.valence}</dt>
          <dd>{strings.signed(face.valence)}</dd>
        </div>
        <div>
          <dt>{strings.arousal}</dt>
          <dd>{strings.signed(face.arousal)}</dd>
        </div>
      </dl>
    </article>
  );
}

function Bars({ face }: { face: Face }) {
  return (
    <ul class="bars">
      {EMOTIONS.map((name) => (
        <li key={name} class={face.prediction_set.includes(name) ? "likely" : undefined}>
          <span class="bar-name">{strings.emotions[name]}</span>
          <span class="bar-track" aria-hidden="true">
            <span class={`bar-fill ${name}`} style={{ width: `${face.emotions[name] * 100}%` }} />
          </span>
          <span class="bar-value">{strings.percent(face.emotions[name])}</span>
        </li>
      ))}
    </ul>
  );
}
