/** A setting of a Lambda function, from its environment. @throws Error where template.yaml has not set it */
export function functionSetting(name: string): string {
  const value = process.env[name];
  if (!value) throw new Error(`the function's environment variable ${name} is missing`);
  return value;
}
