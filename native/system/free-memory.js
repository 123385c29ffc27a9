/** What the chip, or the desktop, has left; see modules/typings/free-memory.d.ts. */
class System {
  static freeMemory() @ "xs_system_free_memory";
}

export default function freeMemory() {
  return System.freeMemory();
}
