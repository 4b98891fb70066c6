/** Small components that the views share. */

import type { ComponentChildren, ComponentProps } from "preact";
import { useId } from "preact/hooks";

type Tone = "primary" | "plain" | "quiet" | "danger";

export function Button({ tone = "plain", ...rest }: { tone?: Tone } & Omit<ComponentProps<"button">, "class">) {
  return <button type="button" {...rest} class={`button ${tone}`} />;
}

export function Alert({ children, action }: { children: ComponentChildren; action?: ComponentChildren }) {
  return (
    <div class="alert" role="alert">
      <p>{children}</p>
      {action}
    </div>
  );
}

export function Lead({ title, children }: { title: string; children?: ComponentChildren }) {
  return (
    <header class="lead">
      <h1 tabIndex={-1}>{title}</h1>
      {children && <p>{children}</p>}
    </header>
  );
}

/** Radio buttons for two or three options, shown as one switch. */
export function Switch<Value extends string>(props: {
  label: string;
  value: Value;
  options: readonly (readonly [Value, string])[];
  onChange: (value: Value) => void;
}) {
  const name = useId();
  return (
    <fieldset class="switch">
      <legend class="hidden">{props.label}</legend>
      {props.options.map(([value, text]) => (
        <label key={value}>
          <input
            type="radio"
            name={name}
            value={value}
            checked={props.value === value}
            onChange={() => props.onChange(value)}
          />
          <span>{text}</span>
        </label>
      ))}
    </fieldset>
  );
}

/** The button that chooses files; they may also be dropped anywhere. */
export function Drop(props: {
  title: string;
  choose: string;
  hint: string;
  accept: string;
  multiple?: boolean;
  /** Smaller, for views that already show results. */
  small?: boolean;
  /** Whether files are being held over the window. */
  over: boolean;
  onFiles: (files: File[]) => void;
}) {
  const id = useId();
  return (
    <section
      class={["drop", props.small && "small", props.over && "over"].filter(Boolean).join(" ")}
      aria-label={props.title}
    >
      <p class="drop-title">{props.title}</p>
      <input
        id={id}
        class="hidden"
        type="file"
        accept={props.accept}
        multiple={props.multiple}
        onChange={({ currentTarget }) => {
          const files = Array.from(currentTarget.files ?? []);
          currentTarget.value = "";
          if (files.length) props.onFiles(files);
        }}
      />
      <label for={id} class="button primary">
        {props.choose}
      </label>
      <p class="hint">{props.hint}</p>
    </section>
  );
}
