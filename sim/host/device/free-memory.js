/** What the arena of this machine has left; see modules/typings/free-memory.d.ts. */
class Arena {
  static free() @ "xs_host_arena_free";
}

export default function freeMemory() {
  return Arena.free();
}
