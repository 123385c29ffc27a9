/**
 * Calls what belongs to each key until Q, Ctrl-C, Ctrl-D or a signal. Without a terminal there are no keys: then only
 * the signals end it, and a line on standard input counts as its first character.
 */
export function onKeys(actions: Record<string, () => void>): Promise<void> {
  const { stdin } = process;
  return new Promise((resolve) => {
    const press = (data: Buffer) => {
      const key = data.toString();
      if (["q", "Q", "\u0003", "\u0004"].includes(key[0])) end();
      else (actions[key[0]] ?? (() => {}))();
    };
    const end = () => {
      stdin.off("data", press);
      if (stdin.isTTY) stdin.setRawMode(false);
      stdin.pause();
      process.off("SIGINT", end).off("SIGTERM", end);
      resolve();
    };
    process.on("SIGINT", end).on("SIGTERM", end);
    if (stdin.isTTY) stdin.setRawMode(true);
    stdin.on("data", press);
    stdin.resume();
  });
}
