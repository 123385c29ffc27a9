/** XML as S3 writes it: no attributes but one namespace, no mixed content. */
export type XMLValue = string | number | boolean | undefined | XMLElements | XMLElements[];
export interface XMLElements {
  [name: string]: XMLValue;
}

const escapes: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\r": "&#13;" };

function escapeText(text: string): string {
  return text.replace(/[&<>"\r]/g, (character) => escapes[character]);
}

/** Elements in the order of their keys; an array repeats its element, undefined leaves it out. */
function render(elements: XMLElements): string {
  let text = "";
  for (const [name, value] of Object.entries(elements)) {
    for (const one of Array.isArray(value) ? value : [value]) {
      if (one === undefined) continue;
      text += `<${name}>${typeof one === "object" ? render(one) : escapeText(String(one))}</${name}>`;
    }
  }
  return text;
}

export function renderDocument(root: string, elements: XMLElements, namespace?: string): string {
  const attribute = namespace ? ` xmlns="${namespace}"` : "";
  return `<?xml version="1.0" encoding="UTF-8"?>\n<${root}${attribute}>${render(elements)}</${root}>`;
}
