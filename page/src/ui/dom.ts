// Elements of the page. Every text is set as text, because names of functions may contain markup.

type Attributes = Record<string, string | number | boolean | ((event: never) => void)>;

/** Makes an element. Attributes that are functions listen to the event of their name. */
export function make<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...content: (Node | string)[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === 'function') element.addEventListener(name, value as EventListener);
    else if (typeof value === 'boolean') element.toggleAttribute(name, value);
    else element.setAttribute(name, String(value));
  }
  element.append(...content);
  return element;
}

export function button(text: string, press: () => void, attributes: Attributes = {}) {
  return make('button', { type: 'button', click: press, ...attributes }, text);
}

/** Makes a checkbox with its label. */
export function checkbox(text: string, title: string, change: (is: boolean) => void) {
  const box = make('input', { type: 'checkbox', change: () => change(box.checked) });
  return { box, label: make('label', { title }, box, ` ${text}`) };
}
