class Environment {
  static get(name) @ "xs_environment_get";
}

export function getEnvironment(name) {
  return Environment.get(name);
}
