/// <reference lib="dom" />
/// <reference lib="dom.iterable" />

declare module "*.svg?raw" {
  const source: string;
  export default source;
}

declare module "*.css";
